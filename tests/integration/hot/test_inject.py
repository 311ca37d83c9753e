"""One event through a real coordinator to a real socket."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess, route

pytestmark = pytest.mark.process

EVENT = {"event_type": "Scan_dock4", "fields": {"delay": 250.0}}


@pytest.fixture
def group(coordinator: CoordinatorProcess, worker: RegisteredWorker) -> Any:
    return coordinator.deploy(
        f"group-{worker.id}",
        {"first": worker.id, "scan": worker.id},
        routes=[route("scan", "Scan*")],
    )


@pytest.fixture
def inject(coordinator: CoordinatorProcess, group: Any) -> Callable[..., Any]:
    def send(body: Any = EVENT, query: str = "", **options: Any) -> Any:
        path = f"pipeline-groups/{group['id']}/inject{query}"
        return coordinator.call("POST", path, body, **options)

    return send


def test_the_answer_has_three_members_and_the_workers_json_as_it_came(
    inject: Any, worker: RegisteredWorker
) -> None:
    worker.script = lambda call: (
        (200, b'{"accepted":true,"output_events":[{"event_type":"Late","d":250.0}]}')
        if call["path"].endswith("/events")
        else None
    )
    reply = inject()
    assert reply.status == 200
    assert json.dumps(reply.body) == json.dumps({
        "routed_to": "scan",
        "worker_id": worker.id,
        "worker_response": {
            "accepted": True,
            "output_events": [{"event_type": "Late", "d": 250.0}],
        },
    })


def test_the_worker_gets_event_key_family_and_time_left(
    inject: Any, worker: RegisteredWorker, group: Any
) -> None:
    inject(headers={"X-Request-Id": "r-1"})
    (call,) = worker.events()
    pipeline_id = group["placements"][1]["pipeline_id"]
    assert call["path"] == f"/api/v1/pipelines/{pipeline_id}/events"
    assert call["key"] == worker.key
    assert call["body"] == EVENT | {"family": "Scan"}
    assert 0 < int(call["headers"]["x-varpulis-timeout-ms"]) < 1000


def test_the_first_pipeline_takes_what_no_route_does(inject: Any) -> None:
    assert inject({"event_type": "Weather"}).body["routed_to"] == "first"


def test_a_group_is_also_found_by_its_name(
    coordinator: CoordinatorProcess, group: Any
) -> None:
    path = f"pipeline-groups/by-name/{group['name']}/inject/"
    reply = coordinator.call("POST", path, EVENT)
    assert reply.body["routed_to"] == "scan"


def test_explain_tells_the_route(inject: Any) -> None:
    body = inject(query="?explain=true").body
    assert body["route"] == {"index": 0, "pattern": "Scan*", "default": False}
    assert body["original_type"] == "Scan_dock4"
    assert body["generation"] == 1


def test_every_answer_names_the_request_and_the_event(inject: Any) -> None:
    event = {**EVENT, "id": "scan-1"}
    reply = inject(event, headers={"X-Request-Id": "job-7"})
    assert reply.headers["x-request-id"] == "job-7"
    assert reply.headers["x-event-id"] == "scan-1"


def test_a_worker_that_refuses_the_connection_is_502_at_once(
    inject: Any, worker: RegisteredWorker
) -> None:
    worker.stop()
    reply = inject()
    assert (reply.status, reply.body["code"]) == (502, "worker_unreachable")
    assert reply.body["details"]["worker_id"] == worker.id


def test_a_worker_that_hangs_is_504(inject: Any, worker: RegisteredWorker) -> None:
    worker.delay_s = 1.5
    reply = inject()
    assert (reply.status, reply.body["code"]) == (504, "worker_timeout")


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "pipeline_paused"), (429, "queue_full"), (400, "bad_request")],
)
def test_a_judgement_of_the_worker_is_passed_on(
    inject: Any, worker: RegisteredWorker, status: int, code: str
) -> None:
    fault = {"error": "because", "code": code}
    worker.script = lambda call: (status, fault) if call["body"] else None
    reply = inject()
    assert (reply.status, reply.body["code"]) == (status, code)
    assert ("retry-after" in reply.headers) == (status == 429)


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"oops"), (401, {"error": "no", "code": "invalid_api_key"}), (302, b"")],
)
def test_any_other_answer_of_the_worker_is_502(
    inject: Any, worker: RegisteredWorker, status: int, body: Any
) -> None:
    worker.script = lambda call: (status, body) if call["body"] else None
    reply = inject()
    assert (reply.status, reply.body["code"]) == (502, "worker_error")


@pytest.mark.parametrize("raw", [b"[]", b"", b"<html></html>"])
def test_an_answer_that_is_no_json_object_is_502(
    inject: Any, worker: RegisteredWorker, raw: bytes
) -> None:
    worker.script = lambda call: (200, raw) if call["body"] else None
    assert inject().body["code"] == "worker_error"


def test_a_pipeline_its_worker_forgot_is_deployed_again_and_asked_once_more(
    inject: Any, worker: RegisteredWorker, group: Any, coordinator: CoordinatorProcess
) -> None:
    worker.pipelines.clear()
    reply = inject()
    assert reply.status == 200, reply
    again = coordinator.call("GET", f"pipeline-groups/{group['id']}").body
    assert again["placements"][1]["generation"] == 2
    assert len(worker.events()) == 2


def test_a_group_that_was_torn_down_says_so(
    inject: Any, group: Any, coordinator: CoordinatorProcess
) -> None:
    assert inject().status == 200
    coordinator.call("DELETE", f"pipeline-groups/{group['id']}")
    reply = inject()
    assert (reply.status, reply.body["code"]) == (404, "group_torn_down")


def test_a_group_deployed_a_moment_ago_takes_events(
    coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    for number in range(5):
        group = coordinator.deploy(f"fresh-{worker.id}-{number}", {"p": worker.id})
        path = f"pipeline-groups/{group['id']}/inject"
        assert coordinator.call("POST", path, {"event_type": "P"}).status == 200


@pytest.mark.parametrize("body", [b"{no json", b"", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_400(inject: Any, body: bytes) -> None:
    reply = inject(body)
    assert (reply.status, reply.body["code"]) == (400, "bad_json")


def test_a_missing_type_is_400_and_names_the_member(inject: Any) -> None:
    reply = inject({"fields": {}})
    assert (reply.status, reply.body["code"]) == (400, "bad_request")
    assert "event_type" in reply.body["error"]
