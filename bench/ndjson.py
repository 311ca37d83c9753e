"""Events over HTTP: singly and in all forms of batches to a worker, NDJSON through the
coordinator."""

import json
from contextlib import closing
from typing import Any

import psutil
import requests

from bench import workload
from bench.http_load import Call, put_load
from bench.inject import group_spec
from bench.progress import step
from bench.result import Effort, Result, require
from cluster.demo.local_cluster import ThrowawayCluster

BATCH = 1000
JSON, NDJSON = "application/json", "application/x-ndjson"
WARM_BATCHES = 50  # different ones, so that nothing is answered from a cache
HTTP_TARGET = 3e6  # events per second and core
NS = 1e9


def run(effort: Effort) -> list[Result]:
    """Measure batches of 1000 events, whole answers compared for the first of each."""
    events = workload.lines(BATCH * WARM_BATCHES)
    with ThrowawayCluster(2) as cluster:
        pipeline = WorkerPipeline(cluster)
        return [
            _single(pipeline, events, effort),
            *(
                result
                for form, (content_type, write) in FORMS.items()
                for result in _batches(
                    pipeline, form, [write(b) for b in _lines(events)], content_type,
                    effort,
                )
            ),
            _coordinator(cluster, events, effort),
        ]  # fmt: skip


def _ndjson(lines: tuple[bytes, ...]) -> bytes:
    return b"\n".join(lines) + b"\n"


def _array(lines: tuple[bytes, ...]) -> bytes:
    return b"[" + b",".join(lines) + b"]"


def _object(lines: tuple[bytes, ...]) -> bytes:
    return b'{"events":' + _array(lines) + b"}"


FORMS = {
    "NDJSON": (NDJSON, _ndjson),
    "a JSON array": (JSON, _array),
    'an object with "events"': (JSON, _object),
}


class WorkerPipeline:
    """The filter on the first worker of a cluster, called without the coordinator."""

    def __init__(self, cluster: ThrowawayCluster) -> None:
        self.port = cluster.layout.worker_ports[0]
        self.key = cluster.layout.worker_key
        self.process = psutil.Process(cluster.children[1].pid)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-API-Key"] = self.key
        self._base = f"http://127.0.0.1:{self.port}"
        made = self._session.post(
            f"{self._base}/api/v1/pipelines",
            json={"name": "bench", "source": workload.PROGRAM},
            timeout=30,
        ).json()
        self.events_path = f"/api/v1/pipelines/{made['id']}/events"
        self.path = f"{self.events_path}-batch"
        self.stream_path = f"/api/v1/pipelines/{made['id']}/ingest"

    def check(
        self, body: bytes, lines: tuple[bytes, ...], content_type: str = NDJSON
    ) -> None:
        """Send one batch; raises WrongOutputError unless the answer is right."""
        answer = self._session.post(
            self._base + self.path,
            data=body,
            headers={"Content-Type": content_type},
            timeout=30,
        ).json()
        wanted = workload.expected_outputs(lines)
        require(answer.get("output_events"), wanted, "outputs")
        require(answer["accepted"], len(lines), "accepted")


def processor_s(process: psutil.Process) -> float:
    """Return the seconds that a process had a processor."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _batches(
    pipeline: WorkerPipeline,
    form: str,
    bodies: list[bytes],
    content_type: str,
    effort: Effort,
) -> list[Result]:
    step(f"{form} over HTTP")
    events = workload.lines(BATCH * WARM_BATCHES)
    for body, lines in zip(bodies[:5], _lines(events), strict=False):
        pipeline.check(body, lines, content_type)
    calls = [
        Call("POST", pipeline.path, pipeline.key, body, content_type) for body in bodies
    ]
    rates, costs = [], []
    for _ in range(min(3, effort.repeats)):
        before = processor_s(pipeline.process)
        loaded = put_load(pipeline.port, calls, clients=2, seconds=effort.seconds / 2)
        used = processor_s(pipeline.process) - before
        rates.append(loaded.rate * BATCH)
        costs.append(NS * used / loaded.answered / BATCH)
    checked = "outputs of the first batches compared, status of all"
    return [
        Result(
            f"{form} over HTTP to one worker, batches of 1000",
            "events/s",
            tuple(rates),
            target=HTTP_TARGET,
            checked=checked,
            note="load generator on the same cores",
        ),
        Result(
            f"{form} over HTTP, processor time of the worker",
            "ns/event",
            tuple(costs),
            better="less",
            target=NS / HTTP_TARGET,
            checked=checked,
            note="what a core of its own would allow, whatever shares the cores here",
        ),
    ]


def _single(
    pipeline: WorkerPipeline, events: tuple[bytes, ...], effort: Effort
) -> Result:
    """Measure what the coordinator does for each inject: one event per request."""
    step("single events over HTTP")
    calls = [
        Call("POST", pipeline.events_path, pipeline.key, line, answer=_reply(line))
        for line in events[:200]
    ]
    samples = tuple(
        put_load(pipeline.port, calls, clients=8, seconds=effort.seconds / 2).rate
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
    step("NDJSON through the coordinator")
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
