"""How long one event takes to its answer, with more and more clients."""

from contextlib import closing

import msgspec

from bench.finding import SHARES, Curve, Finding, Latency
from bench.http_load import Call, Loaded, put_load
from bench.inject import group_spec
from bench.ndjson import WorkerPipeline
from bench.progress import step
from bench.result import Effort
from bench.workload import expected_outputs, lines
from cluster.demo.local_cluster import ThrowawayCluster

CLIENTS = (1, 4, 16, 64, 128)
CHECKED = "every answer compared"
THROUGH, DIRECT = (
    "one event per request through the coordinator to two workers",
    "one event per request to one worker",
)


def run(effort: Effort) -> list[Finding]:
    """Load coordinator and worker; raises `WrongOutputError`."""
    found: list[Finding] = []
    with ThrowawayCluster(2) as cluster, closing(cluster.client()) as client:
        pipeline = WorkerPipeline(cluster)
        direct = [_direct(pipeline, line) for line in lines(200)]
        group = client.deploy(group_spec())
        key, port = cluster.layout.api_key, cluster.layout.port
        through = [_routed(group["id"], key, index) for index in range(2)]
        for of, name, at, calls in (
            (DIRECT, "to one worker", pipeline.port, direct),
            (THROUGH, "through the coordinator", port, through),
        ):
            medians = []
            for clients in CLIENTS:
                step(f"{of}, {clients} clients")
                loaded = put_load(
                    at, calls, clients=clients, seconds=effort.seconds / 2
                )
                found.append(_latency(of, clients, loaded))
                medians.append((loaded.percentile_ms(0.5),))
            found.append(
                Curve(name, "clients", CLIENTS, tuple(medians), "ms (median)", CHECKED)
            )
    return found


def _latency(of: str, clients: int, loaded: Loaded) -> Latency:
    percentiles = {share: loaded.percentile_ms(share) for share in SHARES}
    percentiles[1.0] = loaded.latencies[-1] * 1000
    load = "one client" if clients == 1 else f"{clients} clients"
    return Latency(of, load, percentiles, loaded.rate, loaded.count, CHECKED)


def _direct(pipeline: WorkerPipeline, line: bytes) -> Call:
    outputs = expected_outputs((line,))
    answer = {"accepted": True, "output_events": outputs}
    return Call("POST", pipeline.events_path, pipeline.key, line, answer=answer)


def _routed(group_id: str, key: str, index: int) -> Call:
    fields = {"sensor_id": f"s-{index}", "temperature": 120.5}
    outputs = [{"event_type": "Hot", **fields}]
    return Call(
        "POST",
        f"/api/v1/cluster/pipeline-groups/{group_id}/inject",
        key,
        msgspec.json.encode({"event_type": f"Reading{index}", "fields": fields}),
        answer={
            "routed_to": f"p{index}",
            "worker_id": f"worker-{index}",
            "worker_response": {"accepted": True, "output_events": outputs},
        },
    )
