"""The compiled plan as data: sources, operations, state and its bounds."""

import pytest

from engine import compile_program
from engine.explain.expression_text import MAX_CHARS, expression_text
from vpl import parse


def parsed(source):
    result = parse(source)
    assert not [d for d in result.diagnostics if d.severity == "error"]
    return result.program


def described(source):
    """Return the description of the last stream."""
    return compile_program(source).explain()["streams"][-1]


def state_of(source):
    return [f"{kept['kind']}: {kept['bound']}" for kept in described(source)["state"]]


@pytest.mark.parametrize(
    "text",
    [
        "a + b * c",
        "(a + b) * c",
        "a - (b - c)",
        "a - b - c",
        "(a ** b) ** c",
        "a ** b ** c",
        "-a ** b",
        "not (a and b) or c",
        "a and (b or c)",
        "(a == b) == c",
        "a ?? b ?? c",
        "(a ?? b) > 5",
        "a in [1, 2.5]",
        "a not in {k: true}",
        "a is not null",
        "if a then b else c",
        "(if a then b else c) + 1",
        "x => x.v + 1",
        "(a, b) => a",
        "a.b.c[0][1:2]",
        "a?.b",
        "f(a, g(b))",
        '"é \\"q\\""',
        "1h30m",
        "@2026-03-01T00:00:00Z",
        "-5",
        "~a & b | c ^ d << 2",
        "1..5",
        "xs.len() > 2",
    ],
)
def test_expressions_read_back_as_the_same(text):
    def tree(expression):
        (decl,) = parsed(f"let v = {expression}").body
        return decl.value

    assert tree(expression_text(tree(text))) == tree(text)


def test_long_and_deep_expressions_are_cut():
    (decl,) = parsed(f"let v = {' + '.join(['abc'] * 100)}").body
    assert ".." in expression_text(decl.value)
    (decl,) = parsed(f"let v = [{', '.join(['abc'] * 5000)}]").body
    assert len(expression_text(decl.value)) == MAX_CHARS + 2


def test_operations_come_in_order_with_what_they_say():
    found = described(
        "connector Out = console ()\n"
        "stream S = X as x .where(v > 1) .emit as T(v, w: x.v * 2)"
        ' .to(Out, topic: "t")\n'
    )
    assert found["ops"] == [
        {"op": "take", "detail": "X as x"},
        {"op": "where", "detail": "v > 1"},
        {"op": "emit", "detail": "as T, v, w: x.v * 2"},
        {"op": "to", "detail": 'Out, topic: "t"'},
    ]
    assert found["sinks"] == ["Out"]


def test_a_stateless_stream_keeps_nothing():
    assert described("stream S = X .where(v > 1) .emit(v)")["state"] == []


PER_KEY = " for each key, 1 000 000 keys"


@pytest.mark.parametrize(
    ("ops", "state"),
    [
        (".window(5m).aggregate(n: count())", ["window: one open window of 5m"]),
        (
            ".partition_by(k).window(5m, sliding: 1m).aggregate(n: count())",
            [f"window: the events of the last 5m{PER_KEY}"],
        ),
        (".window(10).collect()", ["window: 10 events"]),
        (".window(10, sliding: 2)", ["window: the last 10 events"]),
        (
            ".window(session: 30s).aggregate(n: count()).limit(1)",
            ["window: the events of one session, until none came for 30s"],
        ),
        (".window(5m).partition_by(k)", ["window: one open window of 5m"]),
        (".aggregate(n: sum(v))", ["running aggregates: a few numbers each"]),
        (
            ".aggregate(n: median(v))",
            ["running aggregates: the latest 100 000 values of each"],
        ),
        (".distinct(v, ttl: 1h)", ["distinct keys: 100 000, each for 1h"]),
        (".partition_by(k).limit(3)", [f"counter: one number{PER_KEY}"]),
        (".watermark(out_of_order: 5s)", ["clock: the greatest time of each source"]),
        (
            ".fork(a: .limit(1), b: .where(v > 1))",
            ["counter: one number"],
        ),
    ],
)
def test_state_is_told_with_its_bound(ops, state):
    assert state_of(f"stream S = X {ops}") == state


@pytest.mark.parametrize(
    ("source", "state"),
    [
        (
            "stream S = A as a -> all B as b .within(5m)",
            [
                "runs: 10 000, each for 5m",
                "events of a repeated step: 10 000 for each run",
            ],
        ),
        (
            "stream S = A -> B",
            ["runs: 10 000, each until it matches: no within"],
        ),
        (
            "stream S = A .not(B).within(10m)",
            [
                "runs: 10 000, each for 10m",
                "waiting runs: part of the runs, until the time of within has passed",
            ],
        ),
        (
            "pattern P = SEQ(A, B+, NOT C) within 5m partition by k\nstream S = P",
            [
                "runs: 10 000, each for 5m",
                "events of a repeated step: 10 000 for each run",
                "waiting runs: part of the runs, until the time of within has passed",
            ],
        ),
        (
            "stream S = join(A, B).on(A.k == B.k).window(2m)",
            ["join: 1 000 events of each source and key, of the last 2m"],
        ),
        (
            "stream S = join(A, B).on(A.k == B.k)",
            ["join: 1 000 events of each source and key, of the last 1m"],
        ),
        ("stream S = timer(5s)", ["timer: the number and time of the next tick"]),
    ],
)
def test_sources_tell_their_state(source, state):
    assert state_of(source) == state


@pytest.mark.parametrize(
    ("ops", "word"),
    [
        (".not(B where k == a.k).within(10m).emit()", "waits"),
        ("-> C as c .within(10m).not(B).emit()", "cancels"),
        ("-> C as c .not(B).within(10m)", "waits"),
        ("-> C as c .within(1m).not(B).within(10m)", "waits"),
    ],
)
def test_it_says_whether_a_not_cancels_or_waits(ops, word):
    found = described(f"stream S = A as a {ops}")
    (detail,) = [op["detail"] for op in found["ops"] if op["op"] == "not"]
    assert f": {word}" in detail


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("SEQ(A, NOT B, C)", ["NOT between steps cancels"]),
        ("SEQ(A, NOT B)", ["the last NOT waits"]),
        ("SEQ(A, NOT B, C, NOT B)", ["the last NOT waits", "between steps cancels"]),
        ("A AND NOT B", ["the last NOT waits"]),
        ("A OR B", []),
    ],
)
def test_it_says_what_the_nots_of_a_pattern_do(root, words):
    found = described(f"pattern P = {root} within 5m\nstream S = P")
    detail = found["ops"][0]["detail"]
    assert detail.startswith(f"P = {root} within 5m")
    assert all(word in detail for word in words)
    assert ("cancels" in detail or "waits" in detail) == bool(words)


def test_keys_are_those_of_the_pattern_and_the_stream():
    source = "pattern P = SEQ(A, B) within 5m partition by host\nstream S = P"
    assert described(source)["partition_by"] == ["host"]
    assert described("stream S = X .partition_by(a, b.c)")["partition_by"] == [
        "a",
        "b.c",
    ]
