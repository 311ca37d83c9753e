"""Batches are cut into events without decoding more than their types."""

import json
from typing import Any

import pytest

from cluster.exceptions import ClusterError
from cluster.hot.batch_body import BatchInput, read_batch

NDJSON = "application/x-ndjson"
JSON = "application/json"


def faults(batch: BatchInput) -> list[tuple[int, str]]:
    return [(fault.index, fault.code) for fault in batch.faults]


def test_lines_are_taken_as_they_are() -> None:
    raw = b'{"event_type":"A","fields":{"x":250.0}}\r\n{"event_type":"B"}\n'
    batch = read_batch(raw, NDJSON)
    assert batch.types == ["A", "B"]
    assert batch.body_of([0]).strip() == b'{"event_type":"A","fields":{"x":250.0}}'
    assert batch.media_type == NDJSON


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"  \n"])
def test_blank_lines_do_not_count(blank: bytes) -> None:
    raw = b'{"event_type":"A"}\n' + blank + b'{"event_type":"B"}'
    assert read_batch(raw, NDJSON).types == ["A", "B"]


def test_bad_lines_are_faults_with_their_place() -> None:
    raw = b'{"event_type":"A"}\n{nope\n{"x":1}\n{"event_type":""}\n{"event_type":"B"}'
    batch = read_batch(raw, NDJSON)
    assert batch.types == ["A", None, None, None, "B"]
    assert faults(batch) == [(1, "bad_json"), (2, "bad_request"), (3, "bad_request")]


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: {"events": e}])
def test_arrays_and_objects_hold_events(wrap: Any) -> None:
    events = [{"event_type": "A", "fields": {"x": [1, "a\nb"]}}, {"event_type": "B"}]
    batch = read_batch(json.dumps(wrap(events), indent=2).encode(), JSON)
    assert batch.types == ["A", "B"]
    assert json.loads(batch.body_of([0, 1])) == events
    assert batch.media_type == JSON


def test_an_item_that_is_no_event_is_a_fault() -> None:
    batch = read_batch(b'[{"event_type":"A"}, 5, {"event_type":7}]', JSON)
    assert batch.types == ["A", None, None]
    assert faults(batch) == [(1, "bad_request"), (2, "bad_request")]


def test_items_can_be_picked() -> None:
    batch = read_batch(b'[{"event_type":"A"},{"event_type":"B"}]', JSON)
    assert json.loads(batch.body_of([1])) == [{"event_type": "B"}]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_json"),
        (b"[", "bad_json"),
        (b'{"event_type":"A"}', "bad_request"),
        (b'{"events":5}', "bad_request"),
        (b'"x"', "bad_request"),
    ],
)
def test_another_body_is_refused_as_a_whole(raw: bytes, code: str) -> None:
    with pytest.raises(ClusterError) as caught:
        read_batch(raw, JSON)
    assert caught.value.error_code == code
    assert caught.value.error_status == 400


DEEP = b'{"event_type":"A","fields":{"v":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"


def test_a_line_nested_too_deeply_costs_no_other() -> None:
    batch = read_batch(b'{"event_type":"A"}\n' + DEEP, NDJSON)
    assert faults(batch) == [(1, "bad_json")]


def test_a_body_nested_too_deeply_is_400() -> None:
    with pytest.raises(ClusterError) as caught:
        read_batch(b"[" * 200_000, JSON)
    assert caught.value.code == "bad_json"
