"""Watching what a pipeline gives, over real HTTP (api.md 7.1)."""

import json
from contextlib import contextmanager

import pytest
import requests

from tests.integration.worker.conftest import KEY

PROGRAM = "stream S = A .where(n > 0) .emit(n: n)"
BASE = "/api/v1/pipelines"


@pytest.fixture
def watch(worker):
    @contextmanager
    def opened(pipeline_id, query=""):
        url = f"http://127.0.0.1:{worker.port}{BASE}/{pipeline_id}/logs{query}"
        with requests.get(
            url, headers={"x-api-key": KEY}, stream=True, timeout=20
        ) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines(decode_unicode=True)
            assert next(lines) == ": watching"
            yield _entries(lines)

    return opened


def _entries(lines):
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_outputs_are_told_however_their_events_came_in(worker, watch):
    pipeline_id = worker.deploy(PROGRAM)
    with watch(pipeline_id) as entries:
        worker.event(pipeline_id, "A", {"n": 1})
        batch = [{"event_type": "A", "n": n} for n in (2, 0, 3)]
        worker.call("POST", f"{BASE}/{pipeline_id}/events-batch", batch)
        told = [next(entries) for _ in range(3)]
    assert told == [("output", {"event_type": "S", "n": n}) for n in (1, 2, 3)]


def test_an_output_nobody_waited_for_is_told_later(worker, watch):
    worker.sinks.gate.clear()
    pipeline_id = worker.deploy(
        'connector C = mqtt (url: "mqtt://127.0.0.1")\n'
        'stream S = A .emit(n: n) .to(C, topic: "t")'
    )
    with watch(pipeline_id) as entries:
        _, reply = worker.call(
            "POST",
            f"{BASE}/{pipeline_id}/events",
            {"event_type": "A", "fields": {"n": 7}},
            headers={"x-varpulis-timeout-ms": "50"},
        )
        assert reply == {"accepted": True, "output_events": [], "complete": False}
        worker.sinks.gate.set()
        assert next(entries) == ("output", {"event_type": "S", "n": 7})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("outputs", ["output"]), ("log", ["log"]), ("all", ["output", "log"])],
)
def test_faults_are_told_to_whoever_wants_them(worker, watch, kind, expected):
    pipeline_id = worker.deploy(
        "fn down(n): down(n - 1)\n"
        "stream S = A .emit(n: n)\n"
        "stream T = B .where(down(n) > 0) .emit(n: n)"
    )
    with watch(pipeline_id, f"?kind={kind}") as entries:
        worker.event(pipeline_id, "A", {"n": 1})
        worker.event(pipeline_id, "B", {"n": 1})
        told = [next(entries) for _ in expected]
    assert [what for what, _ in told] == expected
    if "log" in expected:
        assert told[-1][1]["code"] == "R002"


def test_it_ends_with_the_pipeline(worker, watch):
    pipeline_id = worker.deploy(PROGRAM)
    with watch(pipeline_id) as entries:
        worker.event(pipeline_id, "A", {"n": 1})
        worker.call("DELETE", f"{BASE}/{pipeline_id}")
        assert [entry["n"] for _, entry in entries] == [1]


def test_unknown_pipelines_and_kinds_are_refused(worker):
    assert worker.call("GET", f"{BASE}/nobody/logs")[0] == 404
    pipeline_id = worker.deploy(PROGRAM)
    status, body = worker.call("GET", f"{BASE}/{pipeline_id}/logs?kind=every")
    assert (status, body["code"]) == (400, "bad_request")


def test_nobody_watches_without_the_key(worker):
    pipeline_id = worker.deploy(PROGRAM)
    assert worker.call("GET", f"{BASE}/{pipeline_id}/logs", key=None)[0] == 401
