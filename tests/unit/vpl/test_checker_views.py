"""What is known to be wrong in sequences and patterns over declared events."""

import pytest

from vpl.checker import check

EVENTS = "event A: v: int, k: str\nevent B: w: float, k: str\n"


def _found(program: str) -> list[tuple[str, str]]:
    lines = (EVENTS + program).splitlines()
    return [
        (found.code, lines[found.span.line - 1][found.span.column - 1 :].split(" ")[0])
        for found in check(EVENTS + program).diagnostics
    ]


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        ("A where zz > 1 as a -> B", ["zz"]),
        ("A as a -> B where zz > a.v as b", ["zz"]),
        ("A as a -> B where w > a.qq as b", ["a.qq"]),
        ("A -> B where w > A.qq", ["A.qq"]),
        ("A as a -> B where w > a.w and b.v > 1 as b", ["a.w", "b.v"]),
        ("A as a -> B .where(zz > 1) -> B as c", ["zz"]),
        ("A as a -> B .print(zz ) -> B as c", ["zz"]),
        ("A as a -> B as b .where(a.zz > 1)", ["a.zz"]),
        ("A as a -> B as b .emit(x: a.zz )", ["a.zz"]),
        ("A as a -> B as b .emit(x: v )", ["v"]),
        ("A as a -> B as b .emit(x: a_zz )", ["a_zz"]),
        ("A as a -> B as b .emit(x: [1].map(a => a.zz) , y: a.zz )", ["a.zz"]),
        ("A as a -> B .not(A where zz > a.k)", ["zz"]),
        ("A as a .not(B where v == a.zz ).within(5s)", ["v", "a.zz"]),
        ("A as a .not(B).within(5s) .emit(x: a.zz )", ["a.zz"]),
        ("A as a -> all B where w > b.v as b .emit(x: b.zz )", ["b.v", "b.zz"]),
        ("all A as a .within(5s) .emit(x: a.zz )", ["a.zz"]),
        ("sequence(a: A where zz > 1, b: B where a.zz > 1)", ["zz", "a.zz"]),
        ("P .emit(x: a.zz )", ["a.zz"]),
        ("P as p -> B where zz > 1", ["zz"]),
        ("A .select(v: v, x: zz ) -> B", ["zz"]),
    ],
)
def test_an_unknown_field_of_a_step_is_told(stream: str, fields: list[str]) -> None:
    pattern = "pattern P = SEQ(A as a, B as b)\n"
    found = _found(f"{pattern}stream S = {stream}")
    assert sorted(found) == sorted(("W033", name) for name in fields)


@pytest.mark.parametrize(
    "program",
    [
        "stream S = A as a -> B where w > a.v and k == a.k as b .emit(x: w, y: a.v)",
        "stream S = A as a -> B as b .emit(a_v, b_w, stream, match_duration_ms, _partition)",
        "stream S = A as a -> B as b .where(match_duration_ms > 1) .emit(a, n: b.timestamp)",
        "stream S = A as a -> U where any_name > a.v as u .emit(other, x: u.other, u_other)",
        "stream S = U as u -> A where v > u.x .emit(u_x, v)",
        "stream S = A as a -> B .emit() .where(x > 1)",
        "stream S = A as a .select(x: v) .where(x > 1) -> B where w > a.x .emit(y: a.x)",
        "stream S = A as a -> B .partition_by(k) .select(x: a.v) .where(x > 1)",
        "stream S = A -> A as b .partition_by(zz)",
        "stream S = A as a -> all B as b .trend_aggregate(n: sum_trends(b.w)) .emit(n)",
        "stream S = A as a -> B where a.v in [1].map(x => x + w) .emit(n: 1)",
        "let zz = 1\nstream S = A as a -> B where w > zz .emit(x: zz)",
        (
            "pattern P = SEQ(A as a, B+ where w > a.v and w > b.w as b)\n"
            "stream S = P as p .emit(x: p.a_v, y: a.v, anything)"
        ),
        (
            "pattern P = A AND NOT B where k == A.k within 5s\nstream S = P as p -> A "
            "where p.anything == v .emit(p_x, v)"
        ),
        "stream M = A as a -> B .emit(n: 1)\nstream S = M as m -> A where v > m.n",
        "stream S = A as a -> A as b .emit(x: b[0].v, y: len(b), z: a?.v)",
    ],
)
def test_what_may_be_there_is_not(program: str) -> None:
    codes = {code for code, _ in _found(program)}
    assert codes <= {"W030"}


@pytest.mark.parametrize(
    ("program", "count"),
    [
        ('stream S = A as a -> B where w > "x"', 1),
        ("stream S = A as a -> B where k > 5", 1),
        ("stream S = A as a -> B where k", 1),
        ("stream S = A as a -> B .where(w > 1 and k > 5) -> A", 1),
        ("stream S = A as a -> B .not(A where k > 5)", 1),
        ("stream S = A as a -> B .where(k < 5)", 1),
        ("stream S = all A where k > 5 as a", 1),
        ("stream S = sequence(a: A where k > 5, b: B where k > 5)", 2),
        ("pattern P = SEQ(A, B+ where k > 5, NOT A where k > 5, B)\nstream S = P", 2),
        ("stream S = A as a -> B where k > a.k and w > 1.5", 0),
        ("stream U = A .emit()\nstream S = A as a -> U where k > 5", 0),
        ("stream S = A as stream_ -> B .select(k: 1) .where(k > 5)", 0),
        ("event C: a_v: str\nstream S = A as a -> C .where(a_v > 5)", 0),
        ("stream S = A as a -> B where any([1], k => k > 5)", 0),
    ],
)
def test_a_comparison_that_cannot_be_is_told(program: str, count: int) -> None:
    assert [code for code, _ in _found(program)] == ["E060"] * count


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("pattern P = SEQ(A, Zed)\nstream S = P", ["Zed)"]),
        ("pattern P = SEQ(A, NOT Zed, B?)\nstream S = P", ["Zed,"]),
        ("stream S = A .not(Zed).within(5s)", ["Zed).within(5s)"]),
        ("stream S = A -> B .not(Zed where x > 1)", ["Zed"]),
        ("pattern P = SEQ(A, S)\nstream S = A .emit()\nstream T = P", []),
        (
            (
                "pattern P = SEQ(A, B)\nstream S = P as p -> A .not(Timer_T)\n"
                "stream T = timer(5s) .emit()"
            ),
            [],
        ),
    ],
)
def test_what_nobody_produces_is_told_wherever_it_stands(
    program: str, names: list[str]
) -> None:
    assert _found(program) == [("W030", name) for name in names]


def test_a_global_hidden_by_a_field_of_a_step_is_told_once() -> None:
    program = "let w = 1\nlet v = 2\nstream S = A as a -> B where w > v .emit(x: w, v)"
    found = [(code, name) for code, name in _found(program) if code == "W041"]
    assert found == [("W041", "w")]
