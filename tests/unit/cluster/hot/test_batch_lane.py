"""Batches are cut into lanes, and what workers answered becomes one answer."""

import json
from typing import Any

import msgspec
import pytest

from cluster.event_routing import RouteMatch
from cluster.exceptions import ClusterError, NoRouteError
from cluster.hot import batch_lane
from cluster.hot.answer import encode
from cluster.hot.batch_body import BatchInput, read_batch
from cluster.hot.batch_lane import Lane, WorkerSummary, cut
from cluster.hot.batch_options import BatchOptions
from cluster.hot.batch_summary import summary_of

ROUTES = {"A": ("a", None), "A2": ("a", None), "B": ("b", None), "C_x": ("b", "C")}
ALL = BatchOptions(ack="processed", outputs="all", outputs_limit=1000, aborts=False)


class Router:
    """Routes by the table above and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, event_type: str) -> RouteMatch:
        self.asked.append(event_type)
        if event_type not in ROUTES:
            raise NoRouteError(f"no route takes {event_type!r}")
        pipeline, family = ROUTES[event_type]
        return RouteMatch(0, event_type, family, pipeline)


def batch_of(*types: str) -> BatchInput:
    lines = [json.dumps({"event_type": t, "n": n}) for n, t in enumerate(types)]
    return read_batch("\n".join(lines).encode(), "application/x-ndjson")


def cut_of(*types: str, aborts: bool = False) -> tuple[dict[str, Any], BatchInput]:
    batch = batch_of(*types)
    lanes = cut(batch, Router(), aborts=aborts)
    found = {
        lane.pipeline: [(family, list(indexes)) for family, indexes in lane.calls()]
        for lane in lanes
    }
    return found, batch


def test_every_lane_has_its_items_in_order() -> None:
    found, _ = cut_of("B", "A", "A2", "B", "A")
    assert found == {"b": [(None, [0, 3])], "a": [(None, [1, 2, 4])]}
    assert list(found) == ["b", "a"]


def test_each_distinct_type_is_routed_once() -> None:
    router = Router()
    cut(batch_of(*["A", "B"] * 500), router, aborts=False)
    assert router.asked == ["A", "B"]


def test_families_are_stretches_of_their_own() -> None:
    found, _ = cut_of("B", "B", "C_x", "A", "C_x", "B")
    assert found["b"] == [(None, [0, 1]), ("C", [2, 4]), (None, [5])]


def test_calls_hold_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_lane, "EVENTS_PER_CALL", 2)
    found, _ = cut_of(*["A"] * 5)
    assert found["a"] == [(None, [0, 1]), (None, [2, 3]), (None, [4])]


def test_types_without_a_route_are_faults_with_their_place() -> None:
    found, batch = cut_of("A", "X", "B", "X")
    assert found == {"a": [(None, [0])], "b": [(None, [2])]}
    assert [(f.index, f.code, f.status) for f in batch.faults] == [
        (1, "no_route", 422),
        (3, "no_route", 422),
    ]


def test_aborting_leaves_out_all_behind_the_first_fault() -> None:
    found, batch = cut_of("A", "X", "B", "X", aborts=True)
    assert found == {"a": [(None, [0])]}
    assert [f.index for f in batch.faults] == [1]


def test_aborting_counts_lines_that_are_no_events_as_faults() -> None:
    batch = read_batch(
        b'{"event_type":"A"}\n{nope\n{"event_type":"X"}', "application/x-ndjson"
    )
    lanes = cut(batch, Router(), aborts=True)
    assert [list(lane.indexes) for lane in lanes] == [[0]]
    assert [(f.index, f.code) for f in batch.faults] == [(1, "bad_json")]


def test_a_batch_for_one_pipeline_goes_on_as_it_came() -> None:
    raw = b'{"event_type":"A", "x": 1.50}\r\n{"event_type":"A2"}\n'
    batch = read_batch(raw, "application/x-ndjson")
    (lane,) = cut(batch, Router(), aborts=False)
    ((_, indexes),) = lane.calls()
    assert batch.body_of(indexes) is raw


@pytest.mark.parametrize(
    "raw", [b'\n{"event_type":"A"}\n', b'{"event_type":"A"}\n{nope\n']
)
def test_other_batches_are_put_together_from_their_items(raw: bytes) -> None:
    batch = read_batch(raw, "application/x-ndjson")
    (lane,) = cut(batch, Router(), aborts=False)
    ((_, indexes),) = lane.calls()
    assert batch.body_of(indexes) == b'{"event_type":"A"}\n'


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_picked_lines_stay_lines(end: bytes) -> None:
    raw = b'{"event_type":"A"}\n{"event_type":"B"}\r\n{"event_type":"A"}' + end
    batch = read_batch(raw, "application/x-ndjson")
    bodies = {
        lane.pipeline: [batch.body_of(indexes) for _, indexes in lane.calls()]
        for lane in cut(batch, Router(), aborts=False)
    }
    last = end or b"\n"
    assert bodies == {
        "a": [b'{"event_type":"A"}\n{"event_type":"A"}' + last],
        "b": [b'{"event_type":"B"}\r\n'],
    }


def test_an_object_of_events_is_never_passed_on_whole() -> None:
    raw = b'{"events_text":"X {}","events":[{"event_type":"A"}]}'
    batch = read_batch(raw, "application/json")
    assert batch.body_of([0]) == b'[{"event_type":"A"}]'


def lane_of(*answers: dict[str, Any], pipeline: str = "a") -> Lane:
    lane = Lane(pipeline, ["A"] * 9)
    for body in answers:
        raw = json.dumps(body).encode()
        lane.take(msgspec.json.decode(raw, type=WorkerSummary), range(9))
    return lane


def answered(*lanes: Lane, options: BatchOptions = ALL) -> Any:
    return json.loads(encode(summary_of(batch_of(*"AAAA"), lanes, options, 7)))


def outputs(*numbers: int) -> dict[str, Any]:
    events = [{"event_type": "O", "n": n} for n in numbers]
    return {"accepted": 2, "output_events": events, "output_count": len(events)}


def test_outputs_of_all_calls_become_one_array() -> None:
    body = answered(lane_of(outputs(1, 2), outputs()), lane_of(outputs(3)))
    assert [event["n"] for event in body["output_events"]] == [1, 2, 3]
    assert (body["output_count"], body["outputs_truncated"]) == (3, False)


def test_no_outputs_are_an_empty_array() -> None:
    assert answered(lane_of(outputs()), lane_of({"accepted": 1}))["output_events"] == []


def test_outputs_beyond_the_limit_are_left_out_and_counted() -> None:
    limited = BatchOptions("processed", "all", 2, aborts=False)
    body = answered(lane_of(outputs(1)), lane_of(outputs(2, 3)), options=limited)
    assert [event["n"] for event in body["output_events"]] == [1, 2]
    assert (body["output_count"], body["outputs_truncated"]) == (3, True)


def test_outputs_that_are_not_counted_by_the_worker_are_counted() -> None:
    answer = {"accepted": 1, "output_events": [{"event_type": "O"}, {}]}
    assert lane_of(answer).output_count == 2


@pytest.mark.parametrize("odd", [{"a": 1}, 5, None, "x"])
def test_outputs_that_are_no_array_are_refused(odd: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        lane_of({"accepted": 1, "output_events": odd, "output_count": 1})


def test_faults_of_a_worker_get_their_place_in_the_batch() -> None:
    lane = Lane("a", ["A"] * 9)
    fault = batch_lane.WorkerFault(1, "bad_request", "x")
    lane.take(WorkerSummary(accepted=1, errors=[fault]), [3, 7])
    assert [(f.index, f.error) for f in lane.faults] == [(7, "x")]


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ClusterError, match="no event"):
        summary_of(batch_of(), [], ALL, 0)
