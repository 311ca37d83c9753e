"""Limits of pipelines in a group: asked for, stored, sent with every deploy."""

import json
from typing import Any

import pytest

from cluster.exceptions import WorkerRefusedError
from cluster.models import Placement
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.sweep import run_sweep
from cluster.testing import FakeWorkers, ManualClock

pytestmark = pytest.mark.django_db

SOURCE = "stream S = E .emit(n: 1)"
LIMITS = {"runs": 500, "cpu_s_per_event": 0.5}


@pytest.fixture(autouse=True)
def two_workers(join: Any, workers: FakeWorkers) -> None:
    join("worker-0", port=9000)
    join("worker-1", port=9001)


def deploy(api: Any, limits: Any, query: str = "") -> Any:
    limited = {"name": "a", "source": SOURCE, "limits": limits}
    spec = {"name": "g", "pipelines": [limited, {"name": "b", "source": SOURCE}]}
    return api.post(f"pipeline-groups{query}", spec)


def sent(workers: FakeWorkers, worker_id: str) -> dict[str, Any]:
    return {
        request.name: request.to_json().get("limits", {})
        for request in workers[worker_id].pipelines.values()
    }


def test_they_are_sent_to_the_worker_and_shown(api: Any, workers: FakeWorkers) -> None:
    made = deploy(api, LIMITS)
    assert made.status_code == 201
    body = made.json()
    assert [place["limits"] for place in body["placements"]] == [LIMITS, {}]
    assert sent(workers, "worker-0") == {"a": LIMITS}
    assert sent(workers, "worker-1") == {"b": {}}
    shown = api.get(f"pipeline-groups/{body['id']}?include=spec").json()
    assert shown["spec"]["pipelines"][0]["limits"] == LIMITS
    assert "limits" not in shown["spec"]["pipelines"][1]


def test_a_pipeline_that_moves_takes_them_along(
    api: Any,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    deploy(api, LIMITS)
    place = Placement.objects.get(pipeline_name="a")
    clock.now = place.since
    now = clock.advance(3600)
    with commits():
        record_heartbeats([Heartbeat(worker_id="worker-1")], now)
        run_sweep(now, holder="me")
    for _ in range(3):
        now = clock.advance(10)
        with commits():
            record_heartbeats([Heartbeat(worker_id="worker-1")], now)
            run_sweep(now, holder="me")
        background.run()
    assert Placement.objects.get(pipeline_name="a").worker_id == "worker-1"
    assert sent(workers, "worker-1")["a"] == LIMITS


@pytest.mark.parametrize(
    ("limits", "where", "hint"),
    [
        ({"rnus": 3}, "pipelines[0].limits.rnus", "did you mean 'runs'?"),
        ({"runs": 0}, "pipelines[0].limits.runs", None),
        ({"runs": 1.5}, "pipelines[0].limits.runs", None),
        ({"recursion_depth": 100_000}, "pipelines[0].limits.recursion_depth", None),
    ],
)
def test_what_no_worker_can_grant_is_422(
    api: Any, assert_error: Any, limits: Any, where: str, hint: str | None
) -> None:
    body = assert_error(deploy(api, limits), 422, "invalid_spec")
    (error,) = body["details"]["errors"]
    assert (error["path"], error.get("hint")) == (where, hint)
    assert not Placement.objects.exists()
    plan = deploy(api, limits, "?dry_run=true").json()
    assert (plan["valid"], plan["errors"][0]["path"]) == (False, where)


@pytest.mark.parametrize("limits", [[], "runs=5", None, {"runs": "5"}, {"runs": True}])
def test_what_is_no_object_of_numbers_is_400(
    api: Any, assert_error: Any, limits: Any
) -> None:
    body = assert_error(deploy(api, limits), 400, "bad_request")
    assert body["details"]["errors"][0]["path"] == "pipelines[0].limits"


def test_what_the_worker_does_not_allow_is_told_as_it_says(
    api: Any, assert_error: Any, workers: FakeWorkers
) -> None:
    errors = [{"path": "limits.runs", "message": "'runs' may be 10 000 at most"}]
    workers["worker-0"].refusal = WorkerRefusedError(
        "worker 'worker-0' answered 422: limits: 'runs' may be 10 000 at most",
        code="invalid_spec",
        status=422,
        details={"worker_id": "worker-0", "worker_status": 422, "errors": errors},
    )
    body = assert_error(deploy(api, {"runs": 20_000}), 422, "invalid_spec")
    assert "'runs' may be 10 000 at most" in body["error"]
    assert body["details"]["errors"] == errors


def test_the_document_of_the_api_names_them(api: Any) -> None:
    document = json.loads(api.get("/api/schema/?format=json").content)
    pipeline = document["components"]["schemas"]["PipelineInput"]
    limits = pipeline["properties"]["limits"]
    assert limits["properties"]["runs"]["type"] == "integer"
    assert limits["properties"]["recursion_depth"]["maximum"] == 1000
    assert limits["additionalProperties"] is False
