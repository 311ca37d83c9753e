"""Streams: sources, operations, sequences and named patterns."""

import pytest

from tests.unit.vpl.shorthand import codes, only, short
from vpl import nodes
from vpl.limits import MAX_OPERATIONS, MAX_PROCESSES


def _stream(rest: str) -> nodes.StreamDecl:
    return only(f"stream S = {rest}\n", nodes.StreamDecl)


def _ops(rest: str) -> list[str]:
    shown = []
    for op in _stream(rest).ops:
        if isinstance(op, nodes.Follow):
            step = op.step
            every = "all " if step.every else ""
            shown.append(f"-> {every}{step.name} [{short(step.where)}] {step.alias}")
        else:
            args = ", ".join(f"{arg.name or ''}={short(arg.value)}" for arg in op.args)
            shown.append(f"{op.name}({args})")
    return shown


def test_a_plain_source_has_filter_and_alias() -> None:
    source = _stream("all In where v > 3 as i").source
    assert isinstance(source, nodes.EventSource)
    assert (source.name, source.every, source.alias) == ("In", True, "i")
    assert short(source.where) == "(v > 3)"


def test_all_may_be_the_name_of_a_source() -> None:
    assert _stream("all .emit()").source == nodes.EventSource("all")


def test_emit_takes_bare_and_named_fields() -> None:
    assert _ops("In .emit(a: a + 1, b, in, `x y`: 2,)") == [
        "emit(a=(a + 1), b=b, in=in, x y=2)"
    ]


def test_emit_as_names_a_type() -> None:
    (op,) = _stream("In .emit as Alarm(v: v)").ops
    assert isinstance(op, nodes.Operation)
    assert op.as_type == "Alarm"
    assert op.target_span.column == 24


@pytest.mark.parametrize(
    ("rest", "ops"),
    [
        (".window(5m, sliding: 1m)", ["window(=300000000000, sliding=60000000000)"]),
        (".window(session: 5s)", ["window(session=5000000000)"]),
        (".distinct(k, ttl: 1s)", ["distinct(=k, ttl=1000000000)"]),
        (".distinct(k ttl: 1s)", ["distinct(=k, ttl=1000000000)"]),
        (".distinct()", ["distinct()"]),
        (".partition_by(a, b.c)", ["partition_by(=a, =b.c)"]),
        ('.print("x", v)', ["print(='x', =v)"]),
        (
            ".first().collect().all().any(2)",
            ["first()", "collect()", "all()", "any(=2)"],
        ),
        (".where(xs.len() > 2)", ["where(=(len(xs) > 2))"]),
        (".wher(a > 1)", ["wher(=(a > 1))"]),
        (".aggregate(n: count(), t: sum(v))", ["aggregate(n=count(), t=sum(v))"]),
    ],
)
def test_operations_have_their_argument_forms(rest: str, ops: list[str]) -> None:
    assert _ops(f"In {rest}") == ops


def test_order_by_has_directions() -> None:
    (op,) = _stream("In .order_by(a, b desc, c asc)").ops
    assert isinstance(op, nodes.Operation)
    assert [(short(key.value), key.descending) for key in op.sort_keys] == [
        *(("a", False), ("b", True), ("c", False)),
    ]


def test_connectors_and_contexts_are_targets() -> None:
    ops = _stream('In .from(A, topic: "t") .to(B) .context(c)').ops
    targets = [op.target for op in ops if isinstance(op, nodes.Operation)]
    assert targets == ["A", "B", "c"]


def test_a_step_filter_ends_before_the_next_operation() -> None:
    assert _ops(
        "A as a -> B where x.y > a.x .within(5s) -> all C as c .emit(n: 1)"
    ) == [
        "-> B [(x.y > a.x)] None",
        "within(=5000000000)",
        "-> all C [] c",
        "emit(n=1)",
    ]


def test_a_method_call_in_brackets_does_not_end_a_step_filter() -> None:
    assert (
        _ops("A -> B where (xs.len() > 2) .limit(1)")[0] == "-> B [(len(xs) > 2)] None"
    )
    assert _ops("A -> B where f(x.len())")[0] == "-> B [f(len(x))] None"


def test_not_takes_a_source_and_a_filter() -> None:
    (op,) = _stream("A .not(B where k == a.k and xs.len() > 1)").ops
    assert isinstance(op, nodes.Operation)
    assert op.target == "B"
    assert short(op.where) == "((k == a.k) and (len(xs) > 1))"


def test_fork_has_branches_of_operations() -> None:
    (op,) = _stream("A .fork(lo: .where(v < 1).limit(2), hi: -> B)").ops
    assert isinstance(op, nodes.Operation)
    assert [(branch.name, len(branch.ops)) for branch in op.branches] == [
        *(("lo", 2), ("hi", 1)),
    ]


def test_pattern_operation_has_a_lambda() -> None:
    (op,) = _stream("A .pattern(up: es => es[0].v < es[1].v)").ops
    assert isinstance(op, nodes.Operation)
    assert op.target == "up"
    assert isinstance(op.args[0].value, nodes.Lambda)


def test_merge_and_join_have_parts() -> None:
    merged = _stream("merge(stream N = T.where(a).where(b), U, V as v)").source
    assert isinstance(merged, nodes.MergeSource)
    assert [(part.name, part.alias, len(part.where)) for part in merged.parts] == [
        *(("T", "N", 2), ("U", None, 0), ("V", "v", 0)),
    ]
    joined = _stream("join(A, stream L = B.on(A.k == L.k))").source
    assert isinstance(joined, nodes.JoinSource)
    assert len(joined.parts[1].on) == 1


def test_sequence_and_timer_sources() -> None:
    found = _stream("sequence(a: A, b: B where k == a.k .within(5s))").source
    assert isinstance(found, nodes.SequenceSource)
    assert short(found.steps[1].where) == "(k == a.k)"
    assert found.steps[1].within is not None
    timer = _stream("timer(10s, initial_delay: 2s)").source
    assert isinstance(timer, nodes.TimerSource)
    assert [arg.name for arg in timer.args] == ["initial_delay"]


def test_merge_without_brackets_is_a_name() -> None:
    assert _stream("merge .emit()").source == nodes.EventSource("merge")


@pytest.mark.parametrize(
    "rest",
    [
        *("In .where()", "In .where(a, b)", "In .select()", "In .emit(a + 1)"),
        *("In .emit(b.v)", "In .emit as (a)", "In .limit", "In .to()", "In .to(3)"),
        *("In .aggregate(count())", "In .first(1)", "In .order_by()", "In -> 3"),
        *("In .", "= =", "", "merge()", "In .any(x)", "timer()", "In .partition_by()"),
    ],
)
def test_broken_streams_are_e101(rest: str) -> None:
    assert codes(f"stream S = {rest}\n") == [("E101", 1)]


def test_a_missing_dot_is_explained() -> None:
    assert codes("stream S = In emit(a)\n") == [("E108", 1)]


def _pattern(rest: str) -> nodes.PatternDecl:
    return only(f"pattern P = {rest}\n", nodes.PatternDecl)


def test_a_pattern_has_steps_bounds_and_keys() -> None:
    found = _pattern(
        "SEQ(A as a, B+ where x > a.x as b, NOT C, D?) within 5m partition by h, k"
    )
    assert isinstance(found.root, nodes.PatternSeq)
    first, second, third, fourth = found.root.items
    assert first == nodes.PatternEvent("A", alias="a")
    assert isinstance(second, nodes.PatternEvent)
    assert (second.repeat, second.alias) == ("+", "b")
    assert third == nodes.PatternNot(nodes.PatternEvent("C"))
    assert fourth == nodes.PatternEvent("D", "?")
    assert [short(key) for key in found.partition_by] == ["h", "k"]


def test_and_binds_tighter_than_or_in_patterns() -> None:
    root = _pattern("A OR B AND NOT C").root
    assert isinstance(root, nodes.PatternOr)
    assert isinstance(root.operands[1], nodes.PatternAnd)
    grouped = _pattern("(A OR B) AND C").root
    assert isinstance(grouped, nodes.PatternAnd)


def test_alternatives_may_be_a_step() -> None:
    root = _pattern("SEQ(A, (B where v > 1 as b OR C), NOT (D OR E))").root
    assert isinstance(root, nodes.PatternSeq)
    assert isinstance(root.items[1], nodes.PatternOr)
    assert isinstance(root.items[2], nodes.PatternNot)


def test_a_stream_has_a_bounded_number_of_operations() -> None:
    longest = "stream S = A" + ".where(x)" * MAX_OPERATIONS
    assert codes(longest) == []
    assert codes(f"{longest}.where(x)\nstream T = A") == [("E107", 1)]
    longest = "stream S = A" + ".process(f())" * MAX_PROCESSES
    assert codes(longest) == []
    assert codes(f"{longest}.process(f())\nstream T = A") == [("E107", 1)]
