"""Every operation at every place: it compiles and runs, or the check says why not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vpl
from engine import Event, LoadError, compile_program
from vpl.catalog import OPERATIONS

ARGS = {
    "where": "(v > 1)",
    "filter": "(v > 1)",
    "having": "(v > 1)",
    "map": "({v: v})",
    "process": "(twice(v))",
    "within": "(3s)",
    "allowed_lateness": "(1s)",
    "on": "(v == 1)",
    "limit": "(2)",
    "on_error": '("skip")',
    "select": "(v, k)",
    "emit": "(v, k)",
    "aggregate": "(v: sum(v))",
    "trend_aggregate": "(n: count_trends())",
    "partition_by": "(k)",
    "order_by": "(v desc)",
    "first": "()",
    "collect": "()",
    "all": "()",
    "any": "(1)",
    "not": "(C where k == 1)",
    "pattern": "(p: events => len(events) > 0)",
    "fork": "(x: .where(v > 1), y: .select(v))",
    "concurrent": "(workers: 2)",
    "to": "(Out)",
    "from": '(In, topic: "t")',
    "context": "(c)",
    "print": "(v)",
    "enrich": "(Api, key: k, fields: [name])",
    "window": "(2)",
    "tap": '(counter: "n", labels: [k])',
    "log": "(message: k)",
    "watermark": "(out_of_order: 1s)",
    "distinct": "(k)",
    "forecast": "()",
    "score": '(model: "m.onnx", inputs: [v], outputs: [y])',
}
PLACES = {
    "plain": "A {op} .emit(v)",
    "twice": "A {op}{op} .emit(v)",
    "last": "A .emit(v) {op}",
    "alone": "A {op}",
    "after a window": "A .window(2) {op} .emit(v)",
    "before a window": "A {op} .window(2) .emit(v)",
    "after an aggregate": "A .window(2) .aggregate(v: sum(v)) {op} .emit(v)",
    "after a fork": "A .fork(a: .where(v > 1), b: .select(v)) {op} .emit(v)",
    "in a branch": "A .fork(a: {op}, b: .select(v)) .emit(v)",
    "in a branch after a window": "A .window(2) .fork(a: {op}) .emit(v)",
    "before the steps": "A as a {op} -> B as b .emit(v)",
    "between the steps": "A as a -> B as b {op} -> C as d .emit(v)",
    "after the steps": "A as a -> all B as b {op} .emit(v)",
    "after a pattern": "P {op} .emit(v)",
    "on a merge": "merge(A, B) {op} .emit(v)",
    "on a join": "join(A, B).on(A.k == B.k) {op} .emit(v)",
    "on a timer": "timer(5s) {op} .emit(v)",
}
HEAD = (
    "context c\n"
    'connector Out = console()\nconnector In = mqtt (host: "localhost")\n'
    'connector Api = http (url: "http://localhost:1")\n'
    "pattern P = SEQ(A as a, B as b)\n"
    "fn twice(v):\n    emit V(v: v)\n    emit V(v: v)\n"
)
compile_program("stream S = A")  # sets the recursion limit before hypothesis looks
CONSUMER = "stream Next = S .emit(v)\n"


def test_every_operation_is_tried() -> None:
    assert set(ARGS) == set(OPERATIONS)


@pytest.mark.parametrize("more", ["", CONSUMER], ids=["last", "consumed"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_it_runs_or_is_refused(name: str, place: str, more: str) -> None:
    body = PLACES[place].replace("{op}", f".{name}{ARGS[name]} ")
    program = f"{HEAD}stream S = {body}\n{more}"
    if not vpl.check(program).valid:
        return
    if name == "score":  # it is valid, but there is no such model
        with pytest.raises(LoadError):
            compile_program(program)
        return
    _run(program)


def _run(program: str) -> None:
    pipeline = compile_program(program)
    try:
        for at, event_type in enumerate("ABCAABBC"):
            event = Event(event_type, {"k": 1, "v": at}, at * 1_000_000_000)
            reply = pipeline.inject(event)
            assert reply.complete
            assert [e for e in reply.errors if e["code"] == "R005"] == []
        assert pipeline.flush().errors == []
        pipeline.checkpoint()
    finally:
        pipeline.close()


SOURCES = (
    "A",
    "merge(A, B)",
    "join(A, B).on(A.k == B.k)",
    "A as a -> all B as b",
    "P",
    "timer(5s)",
)
RUNNING = sorted(set(OPERATIONS) - {"score", "not", "on", "within"})


@pytest.mark.timeout(300)
@settings(max_examples=400)
@given(
    source=st.sampled_from(SOURCES),
    names=st.lists(st.sampled_from(RUNNING), min_size=2, max_size=6),
    more=st.sampled_from(["", CONSUMER]),
)
def test_operations_in_any_order_run_or_are_refused(
    source: str, names: list[str], more: str
) -> None:
    ops = " ".join(f".{name}{ARGS[name]}" for name in names)
    program = f"{HEAD}stream S = {source} {ops}\n{more}"
    if vpl.check(program).valid:
        _run(program)
