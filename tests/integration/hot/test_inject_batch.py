"""Many events in one call, cut by target and sent side by side."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess, route

pytestmark = pytest.mark.process

NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(*types: str) -> bytes:
    return b"\n".join(
        json.dumps({"event_type": name, "fields": {"n": number}}).encode()
        for number, name in enumerate(types)
    )


@pytest.fixture
def pair(join: Callable[[], RegisteredWorker]) -> list[RegisteredWorker]:
    return [join(), join()]


@pytest.fixture
def send(
    coordinator: CoordinatorProcess, pair: list[RegisteredWorker]
) -> Callable[..., Any]:
    group = coordinator.deploy(
        f"batch-{pair[0].id}",
        {"a": pair[0].id, "b": pair[1].id},
        routes=[route("a", "A*"), route("b", "B", "C*")],
        default_route="reject",
    )

    def call(body: Any, query: str = "", **options: Any) -> Any:
        path = f"pipeline-groups/{group['id']}/inject-batch{query}"
        return coordinator.call("POST", path, body, **options)

    return call


def batches(worker: RegisteredWorker) -> list[list[str]]:
    calls: Any = worker.events("events-batch")
    return [[event["event_type"] for event in call["body"]] for call in calls]


def test_each_target_gets_its_events_in_order(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    reply = send(lines("A1", "B", "A2", "B", "A1"), headers=NDJSON)
    assert reply.status == 200, reply
    assert batches(pair[0]) == [["A1", "A2", "A1"]]
    assert batches(pair[1]) == [["B", "B"]]
    assert reply.body["events_sent"] == 5
    assert reply.body["events_failed"] == 0
    assert reply.body["output_count"] == 5
    assert [target["sent"] for target in reply.body["targets"]] == [3, 2]


def test_the_family_of_the_route_goes_with_the_events(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    send(lines("B", "B", "C_x", "B"), headers=NDJSON)
    calls: Any = pair[1].events("events-batch")
    families = [call["query"].get("family") for call in calls]
    assert families == [None, ["C"], None]
    assert batches(pair[1]) == [["B", "B"], ["C_x"], ["B"]]


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"events": items}])
def test_arrays_and_objects_are_taken_too(
    send: Any, pair: list[RegisteredWorker], wrap: Any
) -> None:
    reply = send(wrap([{"event_type": "A1"}, {"event_type": "B"}]))
    assert reply.body["events_sent"] == 2
    assert batches(pair[0]) == [["A1"]]


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("", {"output_events", "output_count", "outputs_truncated"}),
        ("?outputs=count", {"output_count"}),
        ("?outputs=none", set()),
    ],
)
def test_outputs_are_as_much_as_was_asked_for(
    send: Any, query: str, members: set[str]
) -> None:
    body = send(lines("A1"), query, headers=NDJSON).body
    assert {name for name in body if "output" in name} == members


def test_outputs_are_cut_at_the_limit(send: Any) -> None:
    body = send(lines("A1", "A2", "A3"), "?outputs_limit=2", headers=NDJSON).body
    assert len(body["output_events"]) == 2
    assert body["output_count"] == 3
    assert body["outputs_truncated"] is True


def test_bad_events_are_told_with_their_place_and_good_ones_kept(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    body = lines("A1") + b'\n{nope\n{"event_type":"Weather"}\n' + lines("B")
    reply = send(body, headers=NDJSON)
    assert reply.status == 200
    assert (reply.body["events_sent"], reply.body["events_failed"]) == (2, 2)
    errors = [(item["index"], item["code"]) for item in reply.body["errors"]]
    assert errors == [(1, "bad_json"), (2, "no_route")]


def test_abort_sends_nothing_behind_the_first_fault(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    body = lines("A1", "Weather", "A2")
    reply = send(body, "?on_error=abort", headers=NDJSON)
    assert (reply.body["events_sent"], reply.body["events_failed"]) == (1, 2)
    assert batches(pair[0]) == [["A1"]]


def test_a_dead_target_does_not_take_the_other_with_it(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    pair[1].stop()
    reply = send(lines("A1", "B", "A2"), headers=NDJSON)
    assert reply.status == 200
    assert reply.body["events_sent"] == 2
    assert reply.body["errors"][0]["index"] == 1
    assert reply.body["errors"][0]["code"] == "worker_unreachable"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (lines("Weather"), 422, "no_route"),
        (b"{nope", 400, "bad_json"),
        (b"", 400, "bad_request"),
    ],
)
def test_nothing_accepted_has_the_status_of_the_first_fault(
    send: Any, body: bytes, status: int, code: str
) -> None:
    reply = send(body, headers=NDJSON)
    assert (reply.status, reply.body["code"]) == (status, code)


@pytest.mark.parametrize("query", ["?outputs=some", "?outputs_limit=x", "?on_error=y"])
def test_a_bad_option_is_400(send: Any, query: str) -> None:
    reply = send(lines("A1"), query, headers=NDJSON)
    assert (reply.status, reply.body["code"]) == (400, "bad_request")


def test_large_batches_are_sent_in_parts_that_keep_their_order(
    send: Any, pair: list[RegisteredWorker]
) -> None:
    body = lines(*["A1"] * 12_000)
    reply = send(body, "?outputs=none", headers=NDJSON)
    assert reply.body["events_sent"] == 12_000
    calls: Any = pair[0].events("events-batch")
    numbers = [event["fields"]["n"] for call in calls for event in call["body"]]
    assert [len(call["body"]) for call in calls] == [5000, 5000, 2000]
    assert numbers == list(range(12_000))
