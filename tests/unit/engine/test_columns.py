"""Emitted events as columns: nobody can tell them from events made one by one."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Event, Limits, Pipeline, compile_program
from engine.compiler.namespace import FieldTable, Namespace
from engine.compiler.outputs import new_site
from engine.connectors.fake import RecordingSinks
from engine.encoding import encode, encode_lines
from engine.runtime import column_text
from engine.runtime.columns import (
    ROWS_AT_ONCE,
    Columns,
    count_events,
    cut_events,
    each_output,
)
from tests.unit.engine.columned import PIXELS, compile_by_rows, compile_columned

OUT = 'connector Out = mqtt (host: "h", topic: "all")\n'
AT_ONE_S = 1_000_000_000
TEXTS = st.sampled_from(("x", "iterations", "é", "a b", "{}", "%s"))
COLUMNS = {
    np.int64: st.integers(-(2**63), 2**63 - 1),
    np.float64: st.floats(allow_nan=False, allow_infinity=False),
    np.bool_: st.booleans(),
}


def columns(event_type: str, fields: dict[str, Any]) -> Columns:
    """Return columns as a function would emit them."""
    namespace = Namespace(FieldTable())
    site = new_site(namespace, event_type, list(fields))
    make = namespace.values[site.generated]
    return Columns(event_type, tuple(fields), tuple(fields.values()), make)


def pixels(count: int) -> Columns:
    """Return events with an int, a float and a bool."""
    at = np.arange(count)
    return columns("Pixel", {"at": at, "x": at / 7, "odd": at % 2 == 1})


@st.composite
def some_columns(draw: st.DrawFn) -> Columns:
    """Return columns of any kinds and values."""
    count = draw(st.integers(1, 8))
    names = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=4, max_size=4))
    fields: dict[str, Any] = {
        name: np.array(
            draw(st.lists(COLUMNS[kind], min_size=count, max_size=count)), kind
        )
        for name, kind in zip(names, kinds, strict=False)
    }
    return columns(draw(st.sampled_from(("P", 'a"b', "é"))), fields)


@given(some_columns(), st.sampled_from((None, "1970-01-01T00:00:01Z")))
def test_the_bytes_are_those_of_the_outputs(made: Columns, stamp: str | None) -> None:
    one_by_one = [encode(output) for output in made.outputs(stamp)]
    assert made.payloads(stamp) == one_by_one
    assert made.to_json(b",", stamp) == b",".join(one_by_one)
    assert made.to_json(b"\n", stamp) == b"\n".join(one_by_one)


@given(some_columns(), st.sampled_from((None, "1970-01-01T00:00:01Z")))
def test_machine_code_writes_the_same_bytes(made: Columns, stamp: str | None) -> None:
    wanted = [encode(output) for output in made.outputs(stamp)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(column_text, "LEAST_ROWS", 1)
        patch.setattr(column_text, "ROWS_PER_CALL", 3)
        assert made.to_json(b",", stamp) == b",".join(wanted)
        assert made.payloads(stamp) == wanted


@pytest.mark.parametrize("digits", range(19))
def test_whole_numbers_of_all_lengths_are_written(digits: int) -> None:
    edges = [sign * (10**digits + more) for sign in (1, -1) for more in (-1, 0, 1)]
    numbers = np.array([*edges, 2**63 - 1, -(2**63)] * column_text.LEAST_ROWS)
    made = columns("N", {"n": numbers})
    wanted = [b'{"event_type":"N","n":%d}' % n for n in numbers.tolist()]
    assert made.payloads() == wanted


def test_without_llvm_objects_write_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pixels(3 * column_text.ROWS_PER_CALL)
    written = made.to_json(b",")
    monkeypatch.setattr(column_text, "_writer", lambda: None)
    assert made.to_json(b",") == written


@given(some_columns())
def test_rows_hold_what_their_bytes_say(made: Columns) -> None:
    for row, payload in zip(made.rows(), made.payloads(), strict=True):
        assert {"event_type": made.event_type, **row} == msgspec.json.decode(payload)
        assert {value.__class__ for value in row.values()} <= {int, float, bool}


@pytest.mark.parametrize("count", [1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_no_event_is_lost_between_parts(count: int) -> None:
    made = pixels(count)
    assert [row["at"] for row in made.rows()] == list(range(count))
    assert [msgspec.json.decode(p)["at"] for p in made.payloads()] == list(range(count))
    assert len(list(made.outputs())) == count == len(made)


def test_columns_stand_in_lists_for_all_their_events() -> None:
    single = next(pixels(1).outputs())
    made = [single, pixels(3), single]
    outputs = list(each_output(made))
    assert count_events(made) == len(outputs) == 5
    assert encode(made) == encode(outputs)
    assert encode_lines(made) == encode_lines(outputs)


@pytest.mark.parametrize("bound", range(7))
def test_the_first_events_are_kept_at_a_bound(bound: int) -> None:
    made = [pixels(2), next(pixels(1).outputs()), pixels(3)]
    wanted = list(each_output(made))[:bound]
    cut_events(made, bound)
    assert list(each_output(made)) == wanted


# --- through a program --------------------------------------------------------------

PROGRAMS = {
    "to the reply": "stream A = In .process(tile(n))",
    "twice": "stream A = In .process(tile(n))\nstream B = In .process(tile(n + 1))",
    "to a sink": "stream A = In .process(tile(n)) .to(Out)",
    "to two topics": 'stream A = In .process(tile(n)) .to(Out) .to(Out, topic: "b")',
    "to topics of events": 'stream A = In .process(tile(n)) .to(Out, topic: "t/" + at)',
    "to a consumer": (
        "stream A = In .process(tile(n))\nstream B = Pixel .where(odd) .emit(at, x)"
    ),
    "to consumers by both names": (
        "stream A = In .process(tile(n)) .to(Out)\n"
        "stream B = A .where(at > 1) .emit(at)\nstream C = Pixel .emit(odd) .to(Out)"
    ),
    "through an operation": "stream A = In .process(tile(n)) .where(odd) .to(Out)",
    "into a window": (
        "stream A = In .process(tile(n))\n"
        "stream B = A .window(2) .aggregate(total: sum(x)) .emit(total)"
    ),
    "between events": (
        "fn both(n: int):\n    emit One(n: n)\n    tile(n)\n    emit One(n: 2 * n)\n"
        "stream A = In .process(both(n)) .to(Out)\nstream B = A .emit(at, n)"
    ),
    "to other contexts": (
        "context c\ncontext d\nstream A = In .context(c) .process(tile(n)) .to(Out)\n"
        "stream B = A .context(d) .where(odd) .emit(at, x) .to(Out)"
    ),
}


def told(pipeline: Pipeline, sinks: RecordingSinks, *sizes: int) -> dict[str, Any]:
    """Return all that anybody sees of a program that gets some events."""
    replies = [
        pipeline.inject(Event("In", {"n": size}, AT_ONE_S)).to_json_bytes()
        for size in sizes
    ]
    lines = b"\n".join(b'{"event_type":"In","n":%d}' % size for size in sizes)
    batch = pipeline.inject_batch(lines, form="ndjson")
    metrics = pipeline.metrics()
    pipeline.close()
    streams = metrics.streams.items()
    sent = [] if "Out" not in sinks.by_name else sinks.by_name["Out"].sent
    return {
        "replies": replies,
        "batch": (batch.output_lines(), batch.outputs, batch.output_count),
        "events": (metrics.events_in, metrics.events_out, metrics.stopped),
        "streams": {n: (m.events_in, m.events_out, m.outputs) for n, m in streams},
        "counts": {n: (m.sink_sent, m.stopped, m.eval_errors) for n, m in streams},
        "sent": sorted((e.topic, e.stream, _undated(e.payload)) for e in sent),
    }


def _undated(payload: bytes) -> list[tuple[str, Any]]:
    """Return the members in order, without a time that depends on the arrival."""
    members = json.loads(payload)
    if members["timestamp"] != "1970-01-01T00:00:01Z":
        members["timestamp"] = "later"
    return list(members.items())


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("bound", [1_000_000, 5])
def test_nobody_can_tell_columns_from_events(
    name: str, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, limits = OUT + PIXELS + PROGRAMS[name], Limits(outputs_per_event=bound)
    sinks, other = RecordingSinks(), RecordingSinks()
    plain = compile_by_rows(source, monkeypatch, sinks=sinks, limits=limits)
    columned = compile_columned(source, monkeypatch, sinks=other, limits=limits)
    sizes = (4, 0, 1, 7)
    wanted = told(plain, sinks, *sizes)
    assert "R005" not in str(wanted)
    assert told(columned, other, *sizes) == wanted


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("bound", [1_000_000, 100])
def test_nobody_can_tell_machine_code_from_python(
    name: str, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, limits = OUT + PIXELS + PROGRAMS[name], Limits(outputs_per_event=bound)
    sinks, other = RecordingSinks(), RecordingSinks()
    plain = compile_by_rows(source, monkeypatch, sinks=sinks, limits=limits)
    native = compile_program(source, sinks=other, limits=limits)
    sizes = (90, 4, 150)
    assert told(native, other, *sizes) == told(plain, sinks, *sizes)


def test_what_nobody_waits_for_is_published_event_by_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = compile_columned(
        PIXELS + "stream A = timer(1s) .process(tile(3))", monkeypatch
    )
    published: list[Any] = []
    pipeline.on_outputs = published.extend
    clock_ns = 0
    timer = pipeline.run_clock(lambda: clock_ns, in_thread=False)
    timer.look()
    clock_ns = 1_500_000_000
    timer.look()
    assert [output.a0 for output in published] == [0, 1, 2]
