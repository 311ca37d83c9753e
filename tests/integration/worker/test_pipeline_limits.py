"""Limits of single pipelines over the worker's API (vpl.md section 19)."""

import pytest

from engine.limit_policy import LimitPolicy

COUNTING = """\
fn ups(n):
    for i in 0..n: emit Up(i: i)
stream S = In .process(ups(n))
stream Pair = A as a -> B where n == a.n as b .emit(n: b.n)
"""
OUTPUTS = {"outputs_per_event": 3}


def _event(worker, pipeline_id, n):
    status, body = worker.event(pipeline_id, "In", {"n": n})
    assert status == 200
    return len(body["output_events"]), [e["code"] for e in body.get("errors", ())]


def _limits(worker, pipeline_id):
    status, body = worker.call("GET", f"/api/v1/pipelines/{pipeline_id}")
    assert status == 200
    return body["limits"]


def _reload(worker, pipeline_id, **more):
    path = f"/api/v1/pipelines/{pipeline_id}/reload"
    return worker.call("POST", path, {"source": COUNTING, **more})


def test_a_pipeline_stays_within_the_limits_of_its_deploy(worker):
    small = worker.deploy(COUNTING, limits=OUTPUTS)
    usual = worker.deploy(COUNTING, "q")
    assert _event(worker, small, 5) == (3, ["R003"])
    assert _event(worker, usual, 5) == (5, [])
    assert _limits(worker, small)["outputs_per_event"] == 3
    assert _limits(worker, small)["runs"] == 10_000
    assert _limits(worker, usual)["outputs_per_event"] == 1_000_000


def test_a_reload_keeps_them_or_sets_others(worker):
    pipeline_id = worker.deploy(COUNTING, limits=OUTPUTS)
    assert _reload(worker, pipeline_id)[0] == 200
    assert _event(worker, pipeline_id, 5) == (3, ["R003"])
    assert _reload(worker, pipeline_id, limits={"outputs_per_event": 4})[0] == 200
    assert _event(worker, pipeline_id, 5) == (4, ["R003"])
    assert _reload(worker, pipeline_id, limits={})[0] == 200
    assert _event(worker, pipeline_id, 5) == (5, [])


def test_a_reload_to_less_keeps_the_state_that_is_there(worker):
    pipeline_id = worker.deploy(COUNTING)
    for n in range(4):
        worker.event(pipeline_id, "A", {"n": n})
    assert _reload(worker, pipeline_id, limits={"runs": 2})[0] == 200
    worker.event(pipeline_id, "A", {"n": 9})
    found = [
        worker.event(pipeline_id, "B", {"n": n})[1]["output_events"] for n in (0, 3, 9)
    ]
    assert [len(outputs) for outputs in found] == [1, 1, 0]


def test_a_newer_generation_brings_its_own(worker):
    pipeline_id = worker.deploy(COUNTING, id="one", group_id="g", generation=1)
    worker.deploy(COUNTING, id="one", group_id="g", generation=2, limits=OUTPUTS)
    assert _event(worker, pipeline_id, 5) == (3, ["R003"])


@pytest.mark.parametrize(
    ("limits", "status", "code", "path"),
    [
        ({"rnus": 3}, 422, "invalid_spec", "limits.rnus"),
        ({"runs": 0}, 422, "invalid_spec", "limits.runs"),
        ({"runs": -1}, 422, "invalid_spec", "limits.runs"),
        ({"runs": 2.5}, 422, "invalid_spec", "limits.runs"),
        ({"runs": 10_001}, 422, "invalid_spec", "limits.runs"),
        ({"cpu_s_per_event": 1e300}, 422, "invalid_spec", "limits.cpu_s_per_event"),
        ({"runs": "9"}, 400, "bad_request", "limits.runs"),
        ({"runs": True}, 400, "bad_request", "limits.runs"),
        ([3], 400, "bad_request", "limits"),
    ],
)
def test_limits_that_cannot_be_granted_are_refused(worker, limits, status, code, path):
    body = {"name": "p", "source": COUNTING, "limits": limits}
    answered, error = worker.call("POST", "/api/v1/pipelines", body)
    assert (answered, error["code"]) == (status, code)
    assert error["details"]["errors"][0]["path"] == path
    pipeline_id = worker.deploy(COUNTING)
    answered, error = _reload(worker, pipeline_id, limits=limits)
    assert (answered, error["code"]) == (status, code)
    assert _event(worker, pipeline_id, 5) == (5, [])


def test_the_operator_says_what_holds_and_how_much_may_be_asked_for(start_worker):
    policy = LimitPolicy({"outputs_per_event": 2}, {"outputs_per_event": 4})
    worker = start_worker(limits=policy)
    usual, more = worker.deploy(COUNTING), worker.deploy(COUNTING, limits=OUTPUTS)
    assert _event(worker, usual, 9) == (2, ["R003"])
    assert _event(worker, more, 9) == (3, ["R003"])
    body = {"name": "p", "source": COUNTING, "limits": {"outputs_per_event": 5}}
    status, error = worker.call("POST", "/api/v1/pipelines", body)
    assert (status, error["error"]) == (
        422,
        "limits: 'outputs_per_event' may be 4 at most",
    )
