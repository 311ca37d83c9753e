"""Reports of workers at a real coordinator."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess

pytestmark = pytest.mark.process

BEAT = {"events_processed": 7, "pipelines_running": 0}
DEADLINE_S = 20


@pytest.fixture
def beat(
    coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> Callable[..., Any]:
    def send(
        body: Any = BEAT, worker_id: str = worker.id, key: Any = worker.key
    ) -> Any:
        path = f"workers/{worker_id}/heartbeat"
        return coordinator.call("POST", path, body, key=key)

    return send


@pytest.fixture
def seen(
    coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> Callable[..., Any]:
    """Wait until the API shows the worker as wanted."""

    def wait(is_wanted: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + DEADLINE_S
        while True:
            shown = coordinator.call("GET", f"workers/{worker.id}").body
            if is_wanted(shown):
                return shown
            assert time.monotonic() < end, shown
            time.sleep(0.02)

    return wait


def test_a_report_is_acknowledged_with_nothing_else(beat: Any) -> None:
    reply = beat()
    assert (reply.status, reply.body) == (200, {"acknowledged": True})


def test_an_empty_report_is_fine(beat: Any) -> None:
    assert beat({}).body == {"acknowledged": True}
    assert beat(None).body == {"acknowledged": True}


def test_reports_show_in_the_api_soon(beat: Any, seen: Any) -> None:
    beat()
    for count in (50, 51, 52):
        beat({"events_processed": count, "pipelines_running": 0})
        shown = seen(lambda worker, count=count: worker["events_processed"] == count)
        assert shown["heartbeat_age_seconds"] < 2


@pytest.mark.parametrize("key", [None, "wrong"])
def test_without_its_key_a_worker_is_not_believed(beat: Any, key: str | None) -> None:
    reply = beat(key=key)
    code = "missing_key" if key is None else "bad_worker_key"
    assert (reply.status, reply.body["code"]) == (401, code)


def test_a_worker_never_seen_is_told_to_register(beat: Any) -> None:
    reply = beat(worker_id="never-seen", key="any")
    assert (reply.status, reply.body["code"]) == (404, "worker_unknown")


def test_a_deregistered_worker_stays_out(
    beat: Any, coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    coordinator.call("DELETE", f"workers/{worker.id}")
    reply = beat()
    assert (reply.status, reply.body["code"]) == (404, "worker_deregistered")
    assert reply.body["details"] == {"remove_pipelines": True}


def test_another_process_that_took_the_place_is_told(
    beat: Any, coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    coordinator.register(worker.id, worker.address, worker.key, instance_id="second")
    reply = beat({**BEAT, "instance_id": "first"})
    assert (reply.status, reply.body["code"]) == (409, "worker_replaced")


def test_a_worker_that_stops_is_unhealthy_at_once_and_back_with_the_next_report(
    beat: Any, seen: Any
) -> None:
    beat({**BEAT, "stopping": True})
    assert seen(lambda _: True)["status"] == "unhealthy"
    beat()
    assert seen(lambda _: True)["status"] == "ready"


def test_a_copy_nobody_wants_is_removed_by_the_answer(
    beat: Any, coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    cluster_id = coordinator.call("GET", "/health").body["cluster_id"]
    group = coordinator.deploy(f"gone-{worker.id}", {"p": worker.id})
    place = group["placements"][0]
    coordinator.call("DELETE", f"pipeline-groups/{group['id']}")
    reply = beat({
        **BEAT,
        "pipelines": [
            {
                "id": place["pipeline_id"],
                "name": "p",
                "group_id": group["id"],
                "replica": 0,
                "generation": place["generation"],
                "cluster_id": cluster_id,
                "status": "running",
            }
        ],
    })
    (action,) = reply.body["actions"]
    assert action["action"] == "remove_pipeline"
    assert action["pipeline_id"] == place["pipeline_id"]


@pytest.mark.parametrize("body", [b"[]", b'{"events_processed":"x"}', b"{nope"])
def test_a_report_that_cannot_be_read_is_400(beat: Any, body: bytes) -> None:
    assert beat(body).status == 400
