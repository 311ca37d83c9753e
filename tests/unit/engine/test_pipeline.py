"""Pipelines as their callers see them."""

import gc
import json
import logging
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import engine
from engine import (
    BadEventError,
    Event,
    InvalidProgramError,
    Limits,
    PipelineClosedError,
    QueueFullError,
    compile_program,
)
from engine.compiler.codegen import FILE_NAME
from engine.wire import parse_event
from vpl.checker import operations

COUNTER = "var n = 0\nfn next(): n := n + 1; return n\nstream S = In .emit(n: next())"


def test_the_first_program_of_the_tutorial() -> None:
    pipeline = compile_program('stream A = EventA .emit(result: "from-a")')
    reply = pipeline.inject(Event("EventA", {"x": 42}))
    assert reply.outputs == [{"event_type": "A", "result": "from-a"}]
    assert pipeline.consumes == {"EventA"}
    assert pipeline.emits == {"A"}
    assert pipeline.streams == ("A",)


@pytest.mark.parametrize("source", ["", "fn f(x: int) -> int:\n    return x\n"])
def test_a_program_without_streams_takes_events_and_says_nothing(source: str) -> None:
    pipeline = compile_program(source)
    assert pipeline.streams == ()
    assert pipeline.inject(Event("Any", {"x": 1})).outputs == []
    lines = b'{"event_type": "Any", "fields": {}}\n' * 3
    batch = pipeline.inject_batch(lines, form="ndjson")
    assert (batch.accepted, batch.output_count) == (3, 0)


def test_a_program_with_errors_is_refused_with_its_findings() -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program("stream A = B .emit(x: nope(1))\nstream A = C")
    assert {item.code for item in caught.value.diagnostics} == {"E050", "E002"}
    assert "E0" in str(caught.value)


def test_what_this_build_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "AVAILABLE", frozenset({"source event"}))
    with pytest.raises(InvalidProgramError) as caught:
        compile_program("stream A = B .emit(x: 1)")
    assert "E090" in {item.code for item in caught.value.diagnostics}


def test_the_fingerprint_ignores_layout() -> None:
    one = compile_program("stream A = B .emit(x: 1)")
    two = compile_program("# hi\nstream A = B\n    .emit(x: 1)\n")
    other = compile_program("stream A = B .emit(x: 2)")
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_many_threads_inject_without_losing_an_event() -> None:
    pipeline = compile_program(COUNTER)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: pipeline.inject(Event("In", {})), range(500)))
    numbers = sorted(reply.outputs[0]["n"] for reply in replies)
    assert numbers == list(range(1, 501))
    assert pipeline.metrics().events_in == 500


def test_metrics_count_events_outputs_and_errors() -> None:
    source = (
        "stream S = In .where(n > 1) .emit(n: n, bad: n + s)\n"
        "stream D = S .where(n > 2) .emit(n)"
    )
    pipeline = compile_program(source)
    for at in range(4):
        pipeline.inject(Event("In", {"n": at, "s": "x"}))
    pipeline.inject(Event("Else", {}))
    with pytest.raises(BadEventError):
        pipeline.inject(Event("", {}))
    found = pipeline.metrics()
    assert (found.events_in, found.events_out, found.unrouted) == (5, 3, 1)
    assert found.rejected == 1
    assert found.errors == {"kind": 2}
    streams = found.streams
    first, second = streams["S"], streams["D"]
    assert (first.events_in, first.outputs, first.events_out) == (4, 2, 2)
    assert (second.events_in, second.outputs, second.events_out) == (2, 1, 0)
    assert found.processing_s > 0


def test_a_closed_pipeline_refuses_events_and_closes_twice() -> None:
    pipeline = compile_program(COUNTER)
    pipeline.inject(Event("In", {}))
    pipeline.close()
    pipeline.close()
    with pytest.raises(PipelineClosedError):
        pipeline.inject(Event("In", {}))
    with pytest.raises(PipelineClosedError):
        pipeline.inject_batch(b'{"event_type":"In"}')


def test_closing_waits_for_the_event_at_hand() -> None:
    pipeline = compile_program(COUNTER)
    pipeline._lock.acquire()
    closer = threading.Thread(target=pipeline.close)
    pipeline.start()
    closer.start()
    assert closer.is_alive()
    pipeline._lock.release()
    closer.join(5)
    assert not closer.is_alive()


def by_line(pipeline: engine.Pipeline, line: bytes) -> Sequence[dict[str, Any]]:
    return pipeline.inject_batch(line).errors


def by_event(pipeline: engine.Pipeline, line: bytes) -> Sequence[dict[str, Any]]:
    return pipeline.inject(parse_event(line)).errors


def by_process(pipeline: engine.Pipeline, line: bytes) -> Sequence[dict[str, Any]]:
    pipeline.start()
    assert pipeline.process.__module__ == "engine.quick"
    faults: list[dict[str, Any]] = json.loads(pipeline.process(line))["errors"]
    return faults


@pytest.mark.parametrize(
    ("bring", "loop"),
    [(by_line, "run"), (by_event, "run_nested"), (by_process, "run_one")],
)
def test_each_way_in_knows_the_line_that_failed(
    bring: Callable[[engine.Pipeline, bytes], Sequence[dict[str, Any]]],
    loop: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = compile_program("stream S = In\n    .emit(n: abs(n))")
    values = pipeline._machine.compiled.values

    def crash(x: object, n: object) -> object:
        raise RuntimeError("broken builtin")

    monkeypatch.setitem(values, "b_abs", crash)
    with caplog.at_level(logging.ERROR, logger="varpulis"):
        (fault,) = bring(pipeline, b'{"event_type":"In","n":1}')
    assert "line 2" in fault["message"]
    info = caplog.records[0].exc_info
    assert info is not None
    places = traceback.extract_tb(info[2])
    (place,) = (place for place in places if place.filename == FILE_NAME)
    assert place.name == loop
    assert place.lineno is not None
    assert "b_abs(" in pipeline.explain_source().split("\n")[place.lineno - 1]
    assert {"run", loop} == values.keys() & {"run", "run_nested", "run_one"}


def test_an_internal_error_costs_one_event(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = compile_program("stream S = In\n    .emit(n: abs(n))")
    real = pipeline._machine.compiled.values["b_abs"]

    def fragile(x: object, n: object) -> object:
        if n == 13:
            raise RuntimeError("broken builtin")
        return real(x, n)

    monkeypatch.setitem(pipeline._machine.compiled.values, "b_abs", fragile)
    lines = b"\n".join(b'{"event_type":"In","n":%d}' % at for at in (1, 13, 3))
    with caplog.at_level(logging.ERROR, logger="varpulis"):
        reply = pipeline.inject_batch(lines)
    assert [output["n"] for output in reply.outputs] == [1, 3]
    assert [fault["code"] for fault in reply.errors] == ["R005"]
    assert "line 2" in reply.errors[0]["message"]
    assert "broken builtin" in caplog.text


def test_a_crash_inside_process_leaves_no_open_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = (
        "fn f(n):\n    emit P(n: 1)\n    return abs(n)\n"
        "stream S = In .where(f(n) == 1) .process(f(n))"
    )
    pipeline = compile_program(source)

    def crash(*args: object) -> None:
        raise RuntimeError("broken builtin")

    frame = pipeline._machine.instance.frames[0]
    frame.emits = []
    monkeypatch.setitem(pipeline._machine.compiled.values, "b_abs", crash)
    assert pipeline.inject(Event("In", {"n": 1})).errors[0]["code"] == "R005"
    assert frame.emits is None
    monkeypatch.undo()
    assert len(pipeline.inject(Event("In", {"n": 1})).outputs) == 1


def test_explain_says_what_streams_do() -> None:
    source = (
        "context c\nconnector Out = console ()\n"
        "stream A = In .where(n > 1) .emit as T(n: n) .to(Out)\n"
        "stream B = T .context(c) .emit(n)"
    )
    first, second = compile_program(source).explain()["streams"]
    assert first["sources"] == ["In"]
    assert first["consumers"] == ["B"]
    assert [op["op"] for op in first["ops"]] == ["where", "emit", "to"]
    assert first["sinks"] == ["Out"]
    assert (first["context"], second["context"]) == (None, "c")
    assert first["fingerprint"] != second["fingerprint"]


def test_flush_changes_nothing_without_windows() -> None:
    pipeline = compile_program(COUNTER)
    pipeline.flush()
    assert pipeline.inject(Event("In", {})).outputs == [{"event_type": "S", "n": 1}]


def test_rows_and_outputs_are_no_work_for_the_collector() -> None:
    pipeline = compile_program("stream S = In .emit(a, b: [a])\nstream D = S .emit(b)")
    rows = pipeline._machine.decoder.decode(b'{"event_type":"In","a":1}', "ndjson").rows
    assert not gc.is_tracked(rows[0])
    reply = pipeline.inject(Event("In", {"a": 1}))
    assert not any(gc.is_tracked(row) for row in reply.rows)


def test_events_leave_nothing_behind() -> None:
    """Memory that generated code and decoders hold does not grow with events."""
    pipeline = compile_program("stream S = In .emit(a, b: [a])\nstream D = S .emit(b)")
    payload = b"\n".join(b'{"event_type":"In","a":%d}' % at for at in range(500))
    ours = [tracemalloc.Filter(True, name) for name in (FILE_NAME, "*/engine/wire.py")]
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(3):
            pipeline.inject_batch(payload)
            kept = tracemalloc.take_snapshot().filter_traces(ours)
            sizes.append(sum(entry.size for entry in kept.statistics("filename")))
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 10_000


def test_the_package_exports_what_it_says() -> None:
    assert all(hasattr(engine, name) for name in engine.__all__)


FILTER = "stream Hot = In .where(v > 1) .emit(v: v)"
PROCESSED = {
    "flat": (FILTER, b'{"event_type":"In","v":2}'),
    "fields": (FILTER, b'{"event_type":"In","fields":{"v":2}}'),
    "data": (FILTER, b'{"event_type":"In","data":{"v":2.5}}'),
    "nothing": (FILTER, b'{"event_type":"In","v":1}'),
    "unrouted": (FILTER, b'{"event_type":"Other","v":2}'),
    "big": (FILTER, b'{"event_type":"In","v":9223372036854775808}'),
    "error": (FILTER, b'{"event_type":"In","v":"text"}'),
    "stamped": (
        "stream S = In .emit(at: timestamp)",
        b'{"event_type":"In","timestamp":0}',
    ),
    "adapted": (
        "event In: v: float\nstream S = In .emit(v: v)",
        b'{"event_type":"In","v":2}',
    ),
    "whole": ("stream S = In", b'{"event_type":"In","v":2}'),
    "many types": (
        "\n".join(f"stream S{n} = T{n} .emit(v: v)" for n in range(6)),
        b'{"event_type":"T4","v":2}',
    ),
    "levels": (
        (
            "stream A = In .where(v > 1) .emit(v: v)\nstream B = A .emit(v: v + 1)\n"
            "stream C = In .where(v > 1)\nstream D = C .emit(v: v)"
        ),
        b'{"event_type":"In","v":2}',
    ),
    "stopped": (
        (
            "fn f():\n    while true:\n        let a = 1\n"
            "stream S = In .process(f())\nstream R = In .emit(v: v)"
        ),
        b'{"event_type":"In","v":2}',
    ),
    "contexts": (
        "context c\nstream S = In .context(c) .emit(v: v)",
        b'{"event_type":"In","v":2}',
    ),
}


@pytest.mark.parametrize("name", PROCESSED)
def test_process_answers_and_counts_like_inject(name: str) -> None:
    source, payload = PROCESSED[name]
    limits = Limits(cpu_s_per_event=0.05)
    quick = compile_program(source, limits=limits)
    plain = compile_program(source, limits=limits)
    for _ in range(3):  # the first one starts, the next may change the form
        found = quick.process(payload)
        assert found == plain.inject(parse_event(payload)).to_json_bytes()
    counted, wanted = quick.metrics(), plain.metrics()
    counted.processing_s = wanted.processing_s = 0.0
    assert counted == wanted
    quick.close()
    plain.close()


def test_process_takes_forms_in_any_order() -> None:
    pipeline = compile_program(FILTER)
    answer = b'{"accepted":true,"output_events":[{"event_type":"Hot","v":2}]}'
    payloads = [PROCESSED[name][1] for name in ("flat", "fields", "flat", "fields")]
    assert [pipeline.process(payload) for payload in payloads] == [answer] * 4


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"event_type":""}', b""])
def test_process_refuses_what_is_no_event(payload: bytes) -> None:
    pipeline = compile_program(FILTER)
    pipeline.start()
    with pytest.raises(BadEventError):
        pipeline.process(payload)
    assert pipeline.metrics().rejected == 1


def test_process_refuses_when_closed() -> None:
    pipeline = compile_program(FILTER)
    pipeline.start()
    process = pipeline.process
    pipeline.close()
    for call in (process, pipeline.process):
        with pytest.raises(PipelineClosedError):
            call(PROCESSED["flat"][1])


def test_process_waits_for_a_busy_pipeline() -> None:
    pipeline = compile_program(FILTER, limits=Limits(reply_timeout_s=0.01))
    pipeline.start()
    with pipeline._lock, pytest.raises(QueueFullError):
        pipeline.process(PROCESSED["flat"][1])
    assert b"Hot" in pipeline.process(PROCESSED["flat"][1])


def test_an_internal_error_costs_process_its_event_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = compile_program("stream S = In .emit(v: v + 1)")
    pipeline.start()
    payload = PROCESSED["flat"][1]
    values = pipeline._machine.compiled.values
    (name,) = [key for key in values if key.startswith("E") and key[1:].isdigit()]
    with monkeypatch.context() as broken:
        broken.setitem(values, name, None)
        assert b'"R005"' in pipeline.process(payload)
    assert pipeline.process(payload) == (
        b'{"accepted":true,"output_events":[{"event_type":"S","v":3}]}'
    )
