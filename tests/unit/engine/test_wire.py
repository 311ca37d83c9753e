"""Payload forms, bounds and bad events."""

import json
from typing import Any

import pytest

from engine import BadEventError, Event, Pipeline, compile_program
from engine.limits import MAX_EVENT_DEPTH, MAX_EVENT_FIELDS, MAX_EVENT_TEXT_CHARS
from engine.wire import guess_form, parse_event

ECHO = "stream R = In .emit(a, b)"
FLAT = b'{"event_type":"In","a":1,"b":"x","z":[1]}'
FIELDS = b'{"event_type":"In","fields":{"a":1,"b":"x"},"a":7}'
DATA = b'{"event_type":"In","data":{"a":1,"b":"x"},"a":7}'
WANTED = {"event_type": "R", "a": 1, "b": "x"}


def batch(source: str, *lines: bytes) -> list[dict[str, Any]]:
    reply = compile_program(source).inject_batch(b"\n".join(lines), form="ndjson")
    assert reply.rejected == []
    return reply.outputs


@pytest.mark.parametrize("line", [FLAT, FIELDS, DATA])
def test_each_form_is_read(line: bytes) -> None:
    assert batch(ECHO, line, line) == [WANTED, WANTED]
    assert batch(ECHO, line) == [WANTED]
    (output,) = compile_program(ECHO).inject(parse_event(line)).outputs
    assert output == WANTED


def test_forms_may_be_mixed_in_one_batch() -> None:
    assert batch(ECHO, FLAT, FIELDS, DATA, FLAT) == [WANTED] * 4


def test_a_pipeline_follows_a_change_of_form() -> None:
    pipeline = compile_program(ECHO)
    for line in (FLAT, FIELDS, DATA, FIELDS, FLAT):
        assert pipeline.inject_batch(line).outputs == [WANTED]


def test_fields_come_before_data() -> None:
    both = b'{"event_type":"In","data":{"a":9},"fields":{"a":1,"b":"x"}}'
    assert batch(ECHO, both) == [WANTED]
    assert batch(ECHO, DATA, both) == [WANTED, WANTED]


def test_a_field_may_be_called_fields_or_data() -> None:
    source = "stream R = In .emit(fields, data)"
    line = b'{"event_type":"In","fields":3,"data":[1]}'
    assert batch(source, line) == [{"event_type": "R", "fields": 3, "data": [1]}]
    nested = b'{"event_type":"In","fields":{"fields":3}}'
    assert batch(source, nested) == [{"event_type": "R", "fields": 3}]


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        ("ndjson", FLAT + b"\r\n\n" + FLAT + b"\n"),
        ("array", b"[" + FLAT + b"," + FLAT + b"]"),
        ("events", b'{"events":[' + FLAT + b"," + FLAT + b"]}"),
    ],
)
def test_batches_come_in_three_shapes(form: str, payload: bytes) -> None:
    pipeline = compile_program(ECHO)
    for shape in (form, "auto"):
        reply = pipeline.inject_batch(payload, form=shape)
        assert (reply.accepted, reply.outputs) == (2, [WANTED, WANTED])
    assert guess_form(payload) == form


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{oops", "no valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"a":1}', "event_type must be"),
        (b'{"event_type":""}', "event_type must be"),
        (b'{"event_type":7}', "event_type must be"),
        (b'{"event_type":"In","a":NaN}', "no valid JSON"),
        (b'{"event_type":"In","a":1e999}', "no valid JSON"),
        (b'{"event_type":"In","a":"\\ud800"}', "no valid JSON"),
    ],
)
def test_a_bad_line_is_rejected_by_its_index(bad: bytes, reason: str) -> None:
    pipeline = compile_program(ECHO)
    reply = pipeline.inject_batch(b"\n".join([FLAT, bad, FIELDS]), form="ndjson")
    assert reply.accepted == 2
    assert reply.outputs == [WANTED, WANTED]
    (rejected,) = reply.rejected
    assert rejected["index"] == 1
    assert reason in rejected["reason"]
    assert pipeline.metrics().rejected == 1


def test_a_bad_element_of_an_array_is_rejected_by_its_index() -> None:
    reply = compile_program(ECHO).inject_batch(b'[{"a":1},' + FLAT + b",3]")
    assert [item["index"] for item in reply.rejected] == [0, 2]
    assert reply.accepted == 1


@pytest.mark.parametrize("payload", [b"[", b'{"events":3}', b'{"events":[}'])
def test_a_payload_that_is_no_batch_is_refused(payload: bytes) -> None:
    with pytest.raises(BadEventError):
        compile_program(ECHO).inject_batch(payload)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "is_fine"),
    [
        ({"a": nested(MAX_EVENT_DEPTH - 1)}, True),
        ({"a": nested(MAX_EVENT_DEPTH)}, False),
        ({"a": "x" * MAX_EVENT_TEXT_CHARS}, True),
        ({"a": "x" * (MAX_EVENT_TEXT_CHARS + 1)}, False),
        ({"a": list(range(10_000))}, True),
        ({"a": list(range(10_001))}, False),
    ],
)
def test_bounds_hold_on_every_way_in(fields: dict[str, Any], is_fine: bool) -> None:
    pipeline = compile_program(ECHO)
    body = {"event_type": "In", **fields}
    reply = pipeline.inject_batch(json.dumps(body).encode())
    assert reply.accepted == int(is_fine)
    if is_fine:
        pipeline.inject(Event("In", fields))
        return
    with pytest.raises(BadEventError):
        pipeline.inject(Event("In", fields))


def test_an_event_has_a_bounded_number_of_fields() -> None:
    fields = {f"k{at}": at for at in range(MAX_EVENT_FIELDS + 1)}
    with pytest.raises(BadEventError, match="members"):
        compile_program(ECHO).inject(Event("In", fields))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}])
def test_values_json_does_not_have_are_refused(value: Any) -> None:
    with pytest.raises(BadEventError):
        compile_program(ECHO).inject(Event("In", {"a": value}))


def test_numbers_keep_their_kind_in_every_form() -> None:
    line = b'{"event_type":"In","a":250.0,"b":9223372036854775808}'
    for payload in (line, line + b"\n" + DATA):
        text = compile_program(ECHO).inject_batch(payload).output_lines()
        assert b'"a":250.0,"b":9.223372036854776e18' in text.replace(b"e+", b"e")


STAMPED = "stream R = In .emit(at: timestamp, ms: epoch_ms(timestamp) ?? -1)"


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        (b'"2026-03-01T08:30:00Z"', "2026-03-01T08:30:00Z"),
        (b'"2026-03-01T08:30:00.250+05:30"', "2026-03-01T03:00:00.25Z"),
        (b"1500", "1970-01-01T00:00:01.5Z"),
        (b"-1", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_the_envelopes_timestamp_is_read(stamp: bytes, text: str) -> None:
    flat = b'{"event_type":"In","timestamp":' + stamp + b"}"
    nested_form = b'{"event_type":"In","fields":{},"timestamp":' + stamp + b"}"
    for line in (flat, nested_form):
        for lines in ([line], [line, flat, nested_form]):
            output = batch(STAMPED, *lines)[0]
            assert output["at"] == text
            assert output["ms"] >= -1


def test_a_flat_timestamp_that_is_none_is_a_field() -> None:
    for stamp in ("soon", 1.5, True, "2026-03-01", "2026-03-01T08:30:00"):
        body = {"event_type": "In", "timestamp": stamp}
        (output,) = batch(STAMPED, json.dumps(body).encode())
        assert output["at"] == stamp
        assert output["ms"] == -1


def test_a_nested_timestamp_field_hides_the_envelopes() -> None:
    body = {"event_type": "In", "fields": {"timestamp": 7}, "timestamp": 1500}
    (output,) = batch(STAMPED, json.dumps(body).encode())
    assert output["at"] == 7


class StoppedClock:
    def now_ns(self) -> int:
        return 42_000_000_000


def test_without_a_timestamp_it_is_the_arrival() -> None:
    pipeline: Pipeline = compile_program(STAMPED, clock=StoppedClock())
    for line in (b'{"event_type":"In"}', b'{"event_type":"In","data":{"x":[]}}'):
        (output,) = pipeline.inject_batch(line).outputs
        assert output == {"event_type": "R", "at": "1970-01-01T00:00:42Z", "ms": 42000}


def test_the_event_type_is_no_field_of_a_flat_payload() -> None:
    source = "stream R = In .emit(t: event_type)"
    assert batch(source, b'{"event_type":"In","event_type ":"no"}')[0]["t"] == "In"
    nested_form = b'{"event_type":"In","fields":{"event_type":"field"}}'
    assert batch(source, nested_form)[0]["t"] == "field"


def test_declared_fields_adapt_on_every_way_in() -> None:
    source = (
        "type Warm = float\n"
        "event In:\n    a: Warm\n    b: duration\n"
        "stream R = In .emit(a, b)"
    )
    pipeline = compile_program(source)
    line = b'{"event_type":"In","a":1,"b":"1m"}'
    wanted = {"event_type": "R", "a": 1.0, "b": 60_000_000_000}
    for payload in (
        line,
        line + b"\n" + b'{"event_type":"In","data":{"a":1,"b":"1m"}}',
    ):
        for output in pipeline.inject_batch(payload).outputs:
            assert output == wanted
            assert isinstance(output["a"], float)
    assert pipeline.metrics().type_mismatches == 0
    pipeline.inject(Event("In", {"a": "x"}))
    assert pipeline.metrics().type_mismatches == 1


def test_counts_and_nothing_may_be_asked_for() -> None:
    pipeline = compile_program(ECHO)
    count = pipeline.inject_batch(FLAT, outputs="count")
    assert json.loads(count.to_json_bytes())["output_count"] == 1
    assert "output_events" not in json.loads(count.to_json_bytes())
    none = json.loads(pipeline.inject_batch(FLAT, outputs="none").to_json_bytes())
    assert set(none) == {"accepted", "processing_time_us"}


def test_replies_have_the_documented_shape() -> None:
    pipeline = compile_program(ECHO)
    one = pipeline.inject(Event("In", {"a": 1, "b": "x"}))
    assert one.to_json_bytes() == (
        b'{"accepted":true,"output_events":[{"event_type":"R","a":1,"b":"x"}]}'
    )
    whole = json.loads(pipeline.inject_batch(FLAT + b"\n{").to_json_bytes())
    assert list(whole) == [
        "accepted",
        "output_events",
        "processing_time_us",
        "rejected",
    ]


@pytest.mark.parametrize("fields", [{"a": "\ud800"}, {"\ud800": 1}, {"a": ["\udfff"]}])
def test_half_a_surrogate_pair_is_no_text(fields: dict[str, Any]) -> None:
    pipeline = compile_program("stream R = In .emit()")
    with pytest.raises(BadEventError, match="Unicode"):
        pipeline.inject(Event("In", fields))
    assert json.loads(pipeline.inject(Event("In", {"a": "é😀"})).to_json_bytes())


@pytest.mark.parametrize("stamp", [2**63, -(2**63) - 1, 1.5, True])
def test_a_timestamp_out_of_range_is_refused(stamp: Any) -> None:
    pipeline = compile_program("stream R = In .emit(t: timestamp)")
    with pytest.raises(BadEventError, match="timestamp"):
        pipeline.inject(Event("In", {}, stamp))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400.0),
        (".5s", 0.5),
        ("PT1H30M", 5400.0),
        ("P1DT0.5S", 86_400.5),
        ("P2W", 1_209_600.0),
        ("-PT1,5S", -1.5),
        ("PT", None),
        ("P", None),
        ("P1H", None),
        ("P1Y", None),
        ("PT99999999999999999H", None),
    ],
)
def test_duration_texts_of_declared_fields_are_read(
    text: str, seconds: float | None
) -> None:
    source = "event In:\n    d: duration\nstream R = In .emit(d: d)"
    pipeline = compile_program(source)
    (output,) = pipeline.inject(Event("In", {"d": text})).outputs
    assert output["d"] == (text if seconds is None else round(seconds * 1_000_000_000))
