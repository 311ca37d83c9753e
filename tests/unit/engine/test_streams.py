"""Routing, outputs and operations of streams."""

import pytest

from engine import Event, compile_program
from engine.compiler.handlers import HANDLERS
from tests.unit.engine.programs import outputs_for, outputs_of
from vpl import catalog

DECLARATIONS = {
    "concurrent",
    *("context", "import", "on_error", "any", "all"),
    *("from", "on", "watermark", "allowed_lateness", "within", "not"),
}


def test_every_available_operation_is_compiled() -> None:
    available = {name for name in catalog.AVAILABLE if " " not in name}
    handled = set(HANDLERS.operations) | set(HANDLERS.batches)
    assert available - DECLARATIONS == handled


def test_work_goes_breadth_first_through_a_diamond() -> None:
    source = (
        "stream Top = In .emit(n: n)\n"
        "stream Left = Top .emit(n: n + 1)\n"
        "stream Right = Top .emit(n: n + 2)\n"
        "stream Low = merge(Left, Right) .emit(n: n * 10)\n"
    )
    got = [(o["event_type"], o["n"]) for o in outputs_of(source, {"n": 1})]
    assert got == [("Top", 1), ("Left", 2), ("Right", 3), ("Low", 20), ("Low", 30)]


def test_the_queue_gives_the_same_order_as_inlining() -> None:
    """A producer of many events switches the program to the queue."""
    body = (
        "stream Top = In .emit(n: n)\n"
        "stream Left = Top .where(n > 0) .emit as L(n: n + 1)\n"
        "stream Right = Top .emit(n: n + 2)\n"
        "stream Low = merge(Left, Right) .select(m: n) .emit(m, t: event_type)\n"
        "stream ByType = L .emit(n)\n"
    )
    queued = "fn f(): emit Extra(n: 1)\nstream Many = Never .process(f())\n"
    queued += "stream Sink = Many .emit(n)\n"
    inlined = compile_program(body)
    through_queue = compile_program(body + queued)
    assert "def run(" in inlined.explain_source()
    assert "def run(" not in through_queue.explain_source()
    events = [{"n": 1}, {"n": -1}, {}]
    assert outputs_for(inlined, *events) == outputs_for(through_queue, *events)


def test_wide_programs_fall_back_to_the_queue() -> None:
    layers = ["stream L0 = In .emit(n: n)", "stream R0 = In .emit(n: n)"]
    for at in range(1, 12):
        parts = f"merge(L{at - 1}, R{at - 1})"
        layers += [f"stream L{at} = {parts} .where(n > 0)"]
        layers += [f"stream R{at} = {parts} .where(n > {10 - at})"]
    pipeline = compile_program("\n".join(layers))
    assert "def run(" not in pipeline.explain_source()
    assert len(outputs_for(pipeline, {"n": 5})) == 2


def test_an_event_that_two_inputs_name_passes_once() -> None:
    source = "stream M = merge(In, stream Again = In.where(n > 1)) .emit(n)"
    assert outputs_of(source, {"n": 1}, {"n": 2}) == [
        {"event_type": "M", "n": 1},
        {"event_type": "M", "n": 2},
    ]


def test_merge_takes_an_event_if_some_part_does() -> None:
    source = (
        "stream M = merge(stream A = In.where(n > 5), stream B = In.where(n < 2))"
        " .emit(n, via: B.n)"
    )
    got = outputs_of(source, {"n": 1}, {"n": 3}, {"n": 9})
    assert [output["n"] for output in got] == [1, 9]


def test_many_event_types_are_told_apart() -> None:
    source = "\n".join(f"stream S{i} = T{i} .emit(i: {i}, v)" for i in range(30))
    pipeline = compile_program(source)
    for at in (0, 7, 15, 29):
        (output,) = pipeline.inject(Event(f"T{at}", {"v": at})).outputs
        assert output == {"event_type": f"S{at}", "i": at, "v": at}
    assert pipeline.inject(Event("T30", {})).outputs == []
    assert pipeline.metrics().unrouted == 1


def test_select_replaces_fields_and_keeps_the_type() -> None:
    source = (
        "stream S = In .select(a: b, c) .where(a > 1) .emit(a, b, c, t: event_type)"
    )
    assert outputs_of(source, {"b": 2, "c": 3}) == [
        {"event_type": "S", "a": 2, "c": 3, "t": "In"}
    ]


def test_select_after_process_keeps_each_type() -> None:
    source = (
        "fn f():\n    emit P(x: 1)\n    emit Q(x: 2)\n"
        "stream S = In .process(f()) .select(y: x * 10)\n"
        "stream D = Q .emit(y, t: event_type)"
    )
    assert outputs_of(source, {}) == [
        {"event_type": "P", "y": 10},
        {"event_type": "Q", "y": 20},
        {"event_type": "D", "y": 20, "t": "Q"},
    ]


def test_filtered_events_arrive_under_the_name_of_the_stream() -> None:
    source = "stream S = In .where(n > 0)\nstream D = S .emit(t: event_type, n: S.n)"
    assert outputs_of(source, {"n": 1}) == [{"event_type": "D", "t": "S", "n": 1}]


def test_emit_without_arguments_copies_what_is_not_null() -> None:
    got = outputs_of(
        "stream S = In .emit()\nstream D = S .emit as T()",
        {"a": 1, "b": None, "c": {"d": None, "e": [None]}},
    )
    copied = {"a": 1, "c": {"e": [None]}}
    assert got == [{"event_type": "S", **copied}, {"event_type": "T", **copied}]


def test_the_whole_event_is_a_map_under_its_alias() -> None:
    got = outputs_of("stream S = In as e .emit(all: e, k: keys(e))", {"a": 1, "b": 2})
    assert got == [{"event_type": "S", "all": {"a": 1, "b": 2}, "k": ["a", "b"]}]


def test_the_whole_of_a_made_event_leaves_nulls_out() -> None:
    source = "stream S = In .emit(a: a, b: zap)\nstream D = S as e .emit(e: e)"
    assert outputs_of(source, {"a": 1})[1] == {"event_type": "D", "e": {"a": 1}}


def test_a_field_called_event_type_or_timestamp_takes_the_envelopes_place() -> None:
    source = (
        'stream S = In .emit(event_type: "Fake", timestamp: 5, n: n)\n'
        "stream D = S .emit(n, f: event_type, at: timestamp)"
    )
    assert outputs_of(source, {"n": 1}) == [
        {"event_type": "Fake", "timestamp": 5, "n": 1},
        {"event_type": "D", "n": 1, "f": "Fake", "at": 5},
    ]


def test_a_null_event_type_field_leaves_the_real_type() -> None:
    got = outputs_of("stream S = In .emit(event_type: zap, n: 1)", {})
    assert got == [{"event_type": "S", "n": 1}]


def test_print_writes_one_line_with_the_streams_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = 'stream S = In .print("got", v, xs, zap) .print() .emit(v)'
    outputs_of(source, {"v": 2.0, "xs": [1, "a\n{"]})
    assert capsys.readouterr().out.splitlines() == [
        'S: got 2 [1, "a\\n{"] null',
        'S: {v: 2, xs: [1, "a\\n{"]}',
    ]


def test_process_without_emits_gives_nothing_and_emit_elsewhere_too() -> None:
    source = (
        "fn f(n): if n > 1: emit P(n: n)\n"
        "stream S = In .process(f(n))\n"
        "stream E = In .emit(x: f(n), ok: 1)"
    )
    assert outputs_of(source, {"n": 1}, {"n": 2}) == [
        {"event_type": "E", "ok": 1},
        {"event_type": "P", "n": 2},
        {"event_type": "E", "ok": 1},
    ]


def test_family_delivers_what_nobody_consumes() -> None:
    pipeline = compile_program("stream A = EventA .emit(t: event_type, x)")
    reply = pipeline.inject(Event("EventA_7", {"x": 1}), family="EventA")
    assert reply.outputs == [{"event_type": "A", "t": "EventA", "x": 1}]
    assert pipeline.inject(Event("EventA_7", {"x": 1})).outputs == []
    assert pipeline.inject(Event("EventA_7", {}), family="Else").outputs == []


def test_family_leaves_consumed_types_alone() -> None:
    source = "stream A = EventA .emit(x: 1)\nstream B = EventA_7 .emit(x: 2)"
    pipeline = compile_program(source)
    reply = pipeline.inject(Event("EventA_7", {}), family="EventA")
    assert reply.outputs == [{"event_type": "B", "x": 2}]
    payload = b'{"event_type":"EventA_8"}\n{"event_type":"EventA_7"}'
    batch = pipeline.inject_batch(payload, family="EventA")
    assert [output["event_type"] for output in batch.outputs] == ["A", "B"]


def test_a_derived_event_keeps_the_timestamp() -> None:
    source = (
        "fn f(): emit P(n: 1)\n"
        "stream S = In .process(f()) .select(m: n)\n"
        "stream D = P .emit(at: timestamp)"
    )
    pipeline = compile_program(source)
    reply = pipeline.inject(Event("In", {}, 1_500_000_000))
    assert reply.outputs[1] == {"event_type": "D", "at": "1970-01-01T00:00:01.5Z"}


def test_concurrent_changes_nothing() -> None:
    source = "stream S = In .concurrent(workers: 2) .emit(v)"
    assert outputs_of(source, {"v": 1}) == [{"event_type": "S", "v": 1}]


@pytest.mark.parametrize("after", ["", " .where(i >= 0)", ' .log(level: "debug")'])
def test_what_is_processed_after_an_emit_is_no_output(after: str) -> None:
    pipeline = compile_program(
        "fn f(n):\n    for i in 0..n: emit P(i: i)\n"
        f"stream S = A .emit(n: n) .process(f(n)){after}\n"
        "stream T = P .emit(i: i)\n"
    )
    outputs = pipeline.inject(Event("A", {"n": 2})).outputs
    assert [output["event_type"] for output in outputs] == ["S", "T", "T"]
    alone = compile_program(
        "fn f(n):\n    for i in 0..n: emit P(i: i)\n"
        f"stream S = A .emit(n: n) .process(f(n)){after}\n"
    )
    outputs = alone.inject(Event("A", {"n": 2})).outputs
    assert [output["event_type"] for output in outputs] == ["S"]
