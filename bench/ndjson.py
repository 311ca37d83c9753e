"""Events over HTTP: singly and as NDJSON to a worker, NDJSON through the coordinator."""

import json
from contextlib import closing
from typing import Any

import requests

from bench import workload
from bench.http_load import Call, put_load
from bench.inject import group_spec
from bench.result import Effort, Result, require
from cluster.demo.local_cluster import ThrowawayCluster

BATCH = 1000
NDJSON = "application/x-ndjson"
WARM_BATCHES = 50  # different ones, so that nothing is answered from a cache


def run(effort: Effort) -> list[Result]:
    """Measure batches of 1000 events, whole answers compared for the first of each."""
    events = workload.lines(BATCH * WARM_BATCHES)
    with ThrowawayCluster(2) as cluster:
        return [
            *_worker(cluster, events, effort),
            _coordinator(cluster, events, effort),
        ]


def _worker(
    cluster: ThrowawayCluster, events: tuple[bytes, ...], effort: Effort
) -> list[Result]:
    port, key = cluster.layout.worker_ports[0], cluster.layout.worker_key
    base = f"http://127.0.0.1:{port}/api/v1/pipelines"
    session = requests.Session()
    session.trust_env = False
    session.headers["X-API-Key"] = key
    body = {"name": "bench", "source": workload.PROGRAM}
    made = session.post(base, json=body, timeout=30).json()
    path = f"/api/v1/pipelines/{made['id']}/events-batch"
    batches = workload.batches(events, BATCH)
    for batch, lines in zip(batches[:5], _lines(events), strict=False):
        answer = session.post(
            f"http://127.0.0.1:{port}{path}",
            data=batch,
            headers={"Content-Type": NDJSON},
            timeout=30,
        ).json()
        require(answer["output_events"], workload.expected_outputs(lines), "outputs")
        require(answer["accepted"], BATCH, "accepted")
    calls = [Call("POST", path, key, batch, NDJSON) for batch in batches]
    samples = tuple(
        put_load(port, calls, clients=2, seconds=effort.seconds).rate * BATCH
        for _ in range(min(3, effort.repeats))
    )
    single = _single(port, key, made["id"], events, effort)
    session.delete(f"{base}/{made['id']}", timeout=30)
    return [
        single,
        Result(
            "NDJSON over HTTP to one worker, batches of 1000",
            "events/s",
            samples,
            target=3e6,
            checked="outputs of the first batches compared, status of all",
            note="load generator on the same cores",
        ),
    ]


def _single(
    port: int, key: str, pipeline_id: str, events: tuple[bytes, ...], effort: Effort
) -> Result:
    """Measure what the coordinator does for each inject: one event per request."""
    path = f"/api/v1/pipelines/{pipeline_id}/events"
    calls = [
        Call("POST", path, key, line, answer=_reply(line)) for line in events[:200]
    ]
    samples = tuple(
        put_load(port, calls, clients=8, seconds=effort.seconds).rate
        for _ in range(min(3, effort.repeats))
    )
    return Result(
        "one event per request to one worker",
        "requests/s",
        samples,
        target=8e3,
        checked="every answer compared",
        note="load generator on the same cores",
    )


def _reply(line: bytes) -> dict[str, Any]:
    return {"accepted": True, "output_events": workload.expected_outputs((line,))}


def _coordinator(
    cluster: ThrowawayCluster, events: tuple[bytes, ...], effort: Effort
) -> Result:
    with closing(cluster.client()) as client:
        group = client.deploy(group_spec())
        batches = [_mixed(lines) for lines in _lines(events)]
        for batch, lines in zip(batches[:5], _lines(events), strict=False):
            summary = client.inject_batch(group["id"], batch, outputs="count")
            require(summary["events_sent"], BATCH, "events_sent")
            wanted = len(workload.expected_outputs(lines))
            require(summary["output_count"], wanted, "output_count")
        path = (
            f"/api/v1/cluster/pipeline-groups/{group['id']}/inject-batch?outputs=count"
        )
        key = cluster.layout.api_key
        calls = [Call("POST", path, key, batch, NDJSON) for batch in batches]
        samples = tuple(
            put_load(cluster.layout.port, calls, clients=4, seconds=effort.seconds).rate
            * BATCH
            for _ in range(min(3, effort.repeats))
        )
        client.tear_down(group["id"])
    return Result(
        "inject-batch through the coordinator to two workers, batches of 1000",
        "events/s",
        samples,
        target=1e6,
        checked="counts of the first batches compared, status of all",
        note="load generator, coordinator and two workers share the cores",
    )


def _lines(events: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    return [events[at : at + BATCH] for at in range(0, len(events), BATCH)]


def _mixed(lines: tuple[bytes, ...]) -> bytes:
    """Return the lines with two event types in turn, one for each worker."""
    return b"".join(_retyped(line, i % 2) for i, line in enumerate(lines))


def _retyped(line: bytes, index: int) -> bytes:
    event: dict[str, Any] = json.loads(line)
    return json.dumps({**event, "event_type": f"Reading{index}"}).encode() + b"\n"
