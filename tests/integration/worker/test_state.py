"""Checkpoint, restore and reload over the worker's API (vpl.md section 16)."""

import pytest

COUNTING = (
    "var n = 0\n"
    "fn next():\n    n := n + 1\n    return n\n"
    "stream S = In .emit(n: next())\n"
)


def _call(worker, pipeline_id, name, body=None):
    path = f"/api/v1/pipelines/{pipeline_id}/{name}"
    return worker.call("POST", path, body if body is not None else {})


def _next(worker, pipeline_id):
    status, body = worker.event(pipeline_id, "In")
    assert status == 200, body
    return body["output_events"]


def test_a_checkpoint_is_restored_into_another_pipeline(worker):
    first = worker.deploy(COUNTING)
    _next(worker, first)
    _next(worker, first)
    status, taken = _call(worker, first, "checkpoint")
    assert (status, taken["pipeline_id"], taken["events_processed"]) == (200, first, 2)
    second = worker.deploy(COUNTING, "q")
    status, body = _call(worker, second, "restore", {"checkpoint": taken["checkpoint"]})
    assert (status, body["restored"], body["events_restored"]) == (200, True, 2)
    assert body["state"]["kept"] == ["S"]
    assert _next(worker, second) == [{"event_type": "S", "n": 3}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"checkpoint": {"version": 7}}, (409, "incompatible_state")),
        ({"checkpoint": {"version": 1}}, (409, "incompatible_state")),
        ({"checkpoint": 3}, (400, "bad_request")),
        ({}, (400, "bad_request")),
    ],
)
def test_what_is_no_checkpoint_changes_nothing(worker, body, code):
    pipeline_id = worker.deploy(COUNTING)
    _next(worker, pipeline_id)
    status, answer = _call(worker, pipeline_id, "restore", body)
    assert (status, answer["code"]) == code
    assert _next(worker, pipeline_id) == [{"event_type": "S", "n": 2}]


def test_a_reload_keeps_unchanged_streams(worker):
    pipeline_id = worker.deploy(COUNTING)
    _next(worker, pipeline_id)
    source = COUNTING + "stream T = In .emit(more: true)\n"
    status, body = _call(worker, pipeline_id, "reload", {"source": source})
    assert (status, body["reloaded"]) == (200, True)
    assert body["state"] == {
        "kept": ["S"],
        "restarted": [],
        "added": ["T"],
        "removed": [],
    }
    assert _next(worker, pipeline_id) == [
        {"event_type": "S", "n": 2},
        {"event_type": "T", "more": True},
    ]
    _, shown = worker.call("GET", f"/api/v1/pipelines/{pipeline_id}")
    assert (shown["source"], shown["fingerprint"]) == (source, body["fingerprint"])


def test_a_reload_may_reset_the_state(worker):
    pipeline_id = worker.deploy(COUNTING)
    _next(worker, pipeline_id)
    body = {"source": COUNTING, "state": "reset"}
    assert _call(worker, pipeline_id, "reload", body)[0] == 200
    assert _next(worker, pipeline_id) == [{"event_type": "S", "n": 1}]


def test_a_broken_program_is_refused_and_the_old_one_runs_on(worker):
    pipeline_id = worker.deploy(COUNTING)
    _next(worker, pipeline_id)
    status, body = _call(worker, pipeline_id, "reload", {"source": "stream S = "})
    assert (status, body["code"]) == (400, "parse_error")
    assert body["details"]["diagnostics"]
    assert _next(worker, pipeline_id) == [{"event_type": "S", "n": 2}]


def test_a_newer_generation_keeps_the_state(worker):
    more = {"id": "p1", "group_id": "g", "generation": 1}
    worker.deploy(COUNTING, **more)
    _next(worker, "p1")
    worker.deploy(COUNTING + "# changed\n", **{**more, "generation": 2})
    assert _next(worker, "p1") == [{"event_type": "S", "n": 2}]


@pytest.mark.parametrize("name", ["checkpoint", "restore", "reload"])
def test_an_unknown_pipeline_is_404(worker, name):
    status, body = _call(worker, "nobody", name)
    assert (status, body["code"]) == (404, "pipeline_not_found")
