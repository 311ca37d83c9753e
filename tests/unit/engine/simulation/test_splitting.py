"""Which programs may be split by a field, and why others may not."""

import pytest

from engine.simulation.shares import share_of
from engine.simulation.splitting import hindrance
from vpl import check

LAST = "stream S = T .partition_by(k).limit(1)"


def reason(source, field="k"):
    result = check(source)
    assert result.valid, result.diagnostics
    return hindrance(result.program, field)


@pytest.mark.parametrize(
    "source",
    [
        "stream S = X .where(v > 1) .emit(v)",
        "let limit = 3\nstream S = merge(X, Y) .where(v > limit)",
        "stream S = X .partition_by(k).limit(3)",
        "stream S = X as x .partition_by(x.k, day).aggregate(n: count())",
        "stream S = X .partition_by(k).window(10).aggregate(n: count())",
        "stream S = A as a -> B where v > a.v as b .within(5m).partition_by(k)",
        "stream S = A -> D .within(5m).not(C).partition_by(k)",
        "pattern P = SEQ(A, NOT B, C) within 5m partition by k\nstream S = P",
        "stream T = X .emit(v, k)\nstream S = T .partition_by(k).limit(1)",
        "stream T = X as x .emit(k: x.k)\nstream S = T .partition_by(k).limit(1)",
        "stream T = X .where(v > 1).emit()\nstream S = T .partition_by(k).limit(1)",
        f"stream T = X .partition_by(k).aggregate(n: count())\n{LAST}",
        'stream S = X .tap(counter: "n")',
        "event X:\n  k: str\nstream S = X .partition_by(k).limit(1)",
    ],
)
def test_it_may(source):
    assert reason(source) is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("context c\nstream S = X .context(c)", "contexts share the work already"),
        ("stream S = X .limit(3)", "'S' is not partitioned by 'k'"),
        ("stream S = X .partition_by(other).limit(3)", "not partitioned by 'k'"),
        ("stream S = X .limit(3).partition_by(k)", "not partitioned by 'k'"),
        ("stream S = X .partition_by(lower(k)).limit(3)", "not partitioned by 'k'"),
        ("stream S = X .partition_by(m.k).limit(3)", "not partitioned by 'k'"),
        ("stream S = A -> B", "not partitioned by 'k'"),
        (
            "pattern P = SEQ(A, B) partition by j\nstream S = P",
            "not partitioned by 'k'",
        ),
        ("stream S = X .partition_by(k).window(5m)", "time window"),
        ("stream S = X .partition_by(k).window(session: 5m)", "time window"),
        ("stream S = X .partition_by(k).distinct(v, ttl: 5m)", "'distinct'"),
        ("stream S = X .watermark(out_of_order: 5s)", "'watermark'"),
        ("stream S = timer(5s)", "is a timer"),
        ("stream S = join(A, B).on(A.k == B.k)", "joins"),
        ("stream S = A .not(B).within(5m).partition_by(k)", "waits for an absence"),
        (
            "pattern P = SEQ(A, NOT B) within 5m partition by k\nstream S = P",
            "waits for an absence",
        ),
        (
            "var n = 0\nfn up():\n    n := n + 1\nstream S = X .emit(n: up())",
            "function 'up' changes the global 'n'",
        ),
        (
            "event X:\n  k: timestamp\nstream S = X .partition_by(k).limit(1)",
            "field 'k' of 'X' is no plain value",
        ),
        (
            "stream T = X .emit(k: buyer)\nstream S = T .partition_by(k).limit(1)",
            "'T' does not hand 'k' on",
        ),
        (
            "stream T = X .select(v).emit(k)\nstream S = T .partition_by(k).limit(1)",
            "'T' does not hand 'k' on",
        ),
        (
            "stream T = X .emit as U(v)\nstream S = U .partition_by(k).limit(1)",
            "'T' does not hand 'k' on",
        ),
        (
            f"stream T = A as a -> B as b .partition_by(k)\n{LAST}",
            "'T' does not hand 'k' on",
        ),
        (
            f"fn f():\n    emit T(k: 1)\nstream U = X .process(f())\n{LAST}",
            "'T' is made by a function",
        ),
    ],
)
def test_it_may_not(source, words):
    assert words in reason(source)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (-0.0, 0), ([1], [1.0]), ({"a": 1}, [2])]
)
def test_values_that_are_one_key_have_one_share(one, other):
    assert share_of(one, 97) == share_of(other, 97)


def test_values_spread():
    assert {share_of(f"room-{at}", 4) for at in range(50)} == {0, 1, 2, 3}
    assert share_of(True, 997) != share_of(1, 997)
    assert share_of("1", 997) != share_of(1, 997)
