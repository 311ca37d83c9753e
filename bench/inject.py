"""One event per request through the coordinator, its key checked."""

from contextlib import closing

import msgspec
import psutil

from bench.http_load import Call, put_load
from bench.result import Effort, Result
from cluster.demo.local_cluster import ThrowawayCluster

CHECKED = "every answer compared"


def group_spec() -> dict[str, object]:
    """Return a group of two filters, each on a worker and with a type of its own."""
    return {
        "name": "bench",
        "pipelines": [
            {
                "name": f"p{i}",
                "source": f"stream Hot = Reading{i} .where(temperature > 100.0) "
                ".emit(sensor_id: sensor_id, temperature: temperature)",
                "worker_affinity": f"worker-{i}",
            }
            for i in range(2)
        ],
        "routes": [
            {
                "from_pipeline": "_external",
                "to_pipeline": f"p{i}",
                "event_types": [f"Reading{i}"],
            }
            for i in range(2)
        ],
    }


def run(effort: Effort) -> list[Result]:
    """Measure 32 clients and one client against a coordinator and two workers."""
    with ThrowawayCluster(2) as cluster, closing(cluster.client()) as client:
        group = client.deploy(group_spec())
        calls = [_call(group["id"], cluster.layout.api_key, i) for i in range(2)]
        port = cluster.layout.port
        processes = [psutil.Process(child.pid) for child in cluster.children]
        before = [_processor_s(process) for process in processes]
        many = [
            put_load(port, calls, clients=32, seconds=effort.seconds)
            for _ in range(min(3, effort.repeats))
        ]
        used = [
            _processor_s(process) - was
            for process, was in zip(processes, before, strict=True)
        ]
        answered = sum(each.answered for each in many)
        one = [
            put_load(port, calls, clients=1, seconds=effort.seconds / 2)
            for _ in range(min(3, effort.repeats))
        ]
    return [
        Result(
            "inject through the coordinator, 32 clients",
            "requests/s",
            tuple(each.rate for each in many),
            target=5000,
            checked=CHECKED,
            note="load generator, coordinator and two workers share the cores",
        ),
        Result(
            "inject, processor time of the coordinator",
            "us/request",
            (1e6 * used[0] / answered,),
            better="less",
            target=200,
            checked=CHECKED,
            note="leaves no room for 5 000/s above its target, whatever shares the cores",
        ),
        Result(
            "inject, processor time of the workers",
            "us/request",
            (1e6 * sum(used[1:]) / answered,),
            better="less",
            checked=CHECKED,
        ),
        Result(
            "inject, 32 clients, p50",
            "ms",
            tuple(each.percentile_ms(0.5) for each in many),
            better="less",
            checked=CHECKED,
        ),
        Result(
            "inject, 32 clients, p99",
            "ms",
            tuple(each.percentile_ms(0.99) for each in many),
            better="less",
            target=50,
            checked=CHECKED,
        ),
        Result(
            "inject, one client, p50",
            "ms",
            tuple(each.percentile_ms(0.5) for each in one),
            better="less",
            target=1,
            checked=CHECKED,
        ),
        Result(
            "inject, one client, p99",
            "ms",
            tuple(each.percentile_ms(0.99) for each in one),
            better="less",
            checked=CHECKED,
        ),
    ]


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _call(group_id: str, key: str, index: int) -> Call:
    fields = {"sensor_id": f"s-{index}", "temperature": 120.5}
    return Call(
        "POST",
        f"/api/v1/cluster/pipeline-groups/{group_id}/inject",
        key,
        msgspec.json.encode({"event_type": f"Reading{index}", "fields": fields}),
        answer={
            "routed_to": f"p{index}",
            "worker_id": f"worker-{index}",
            "worker_response": {
                "accepted": True,
                "output_events": [{"event_type": "Hot", **fields}],
            },
        },
    )
