"""An event as sent, and as it is handed to the worker."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.event_routing import RouteMatch
from cluster.exceptions import ClusterError, WorkerAnswerError
from cluster.hot.inject import decode_event, explained, inject_body, worker_event
from cluster.routing_snapshot import RoutedPlacement
from cluster.state import PlacementStatus, WorkerStatus

GOLDEN = Path(__file__).parents[3] / "contract" / "golden"

PLACE = RoutedPlacement(
    pipeline_name="intake",
    worker_id='depot "7"',
    address="http://127.0.0.1:9000",
    pinned_host="127.0.0.1",
    api_key="k",
    pipeline_id="7a0c",
    generation=3,
    status=PlacementStatus.RUNNING,
    worker_status=WorkerStatus.READY,
    reachable=True,
)


def forwarded(body: Any, family: str | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return json.loads(worker_event(decode_event(raw), family))


def refused(raw: bytes) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        decode_event(raw)
    return caught.value


def test_what_a_worker_gets_is_the_golden_request() -> None:
    golden = json.loads((GOLDEN / "event_request.json").read_text())
    sent = {key: value for key, value in golden.items() if key != "family"}
    assert forwarded(sent, "Scan") == golden


def test_fields_go_on_byte_for_byte() -> None:
    raw = b'{"event_type":"E","fields":{"a": 250.0, "b":9007199254740993}}'
    sent = worker_event(decode_event(raw), None)
    assert sent == b'{"event_type":"E","fields":{"a": 250.0, "b":9007199254740993}}'


def test_data_is_a_synonym_of_fields() -> None:
    assert forwarded({"event_type": "E", "data": {"x": 1}})["fields"] == {"x": 1}


@pytest.mark.parametrize("fields", [{}, {"fields": None}])
def test_missing_fields_are_empty(fields: dict[str, Any]) -> None:
    assert forwarded({"event_type": "E", **fields})["fields"] == {}


def test_a_flat_event_keeps_its_members_as_fields() -> None:
    flat = {"event_type": "E", "timestamp": 5, "x": 1, "id": "field"}
    assert forwarded(flat) == {
        "event_type": "E",
        "fields": {"x": 1, "id": "field"},
        "timestamp": 5,
    }


def test_the_id_of_an_event_goes_on() -> None:
    event = {"event_type": "E", "fields": {}, "id": "a-1"}
    assert forwarded(event)["id"] == "a-1"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"event_type":"E"} x', b"{nope}", b'{"event_type":"\xff"}']
)
def test_what_is_not_json_is_bad_json(raw: bytes) -> None:
    error = refused(raw)
    assert (error.error_status, error.error_code) == (400, "bad_json")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"{}", ""),
        (b'{"event_type":5}', "event_type"),
        (b'{"event_type":""}', "event_type"),
        (b'{"event_type":"E","fields":[1]}', "fields"),
        (b'{"event_type":"E","fields":5}', "fields"),
        (b'{"event_type":"E","fields":{},"id":7}', "id"),
        (b'{"event_type":"E","fields":{},"id":""}', "id"),
        (b"[1]", ""),
    ],
)
def test_a_wrong_member_is_a_bad_request_that_names_it(raw: bytes, path: str) -> None:
    error = refused(raw)
    assert (error.error_status, error.error_code) == (400, "bad_request")
    assert error.details["errors"][0]["path"] == path


def test_the_answer_of_the_worker_goes_in_as_it_came() -> None:
    reply = b'{"accepted":true,"output_events":[{"event_type":"A","x":250.0}]}'
    body = inject_body("intake", PLACE, reply + b"\n")
    assert body.endswith(b'"worker_response":' + reply + b"}")
    assert json.loads(body)["worker_id"] == 'depot "7"'
    assert list(json.loads(body)) == ["routed_to", "worker_id", "worker_response"]


@pytest.mark.parametrize("reply", [b"", b"[]", b"<html>", b"null"])
def test_an_answer_that_is_no_object_is_a_worker_error(reply: bytes) -> None:
    with pytest.raises(WorkerAnswerError):
        inject_body("intake", PLACE, reply)


def test_explain_adds_the_route_after_the_exact_answer() -> None:
    event = decode_event(b'{"event_type":"Scan_dock4","fields":{}}')
    raw = b'{"accepted":true,"output_events":[],"delivered_as":"Scan"}'
    match = RouteMatch(0, "Scan*", "Scan", "intake")
    body = explained(
        inject_body("intake", PLACE, raw), raw, event, match, PLACE, "id-1", 2.4
    )
    answer = json.loads(body)
    assert answer["delivered_as"] == "Scan"
    assert answer["original_type"] == "Scan_dock4"
    assert answer["route"] == {"index": 0, "pattern": "Scan*", "default": False}
    assert answer["generation"] == 3
    assert answer["took_ms"] == 2.4


def test_an_event_nested_too_deeply_is_bad_json() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    error = refused(b'{"event_type":"A","fields":{"v":' + deep + b"}}")
    assert (error.status, error.code) == (400, "bad_json")
