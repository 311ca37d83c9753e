"""Which bounds and negations a sequence may have, and which have nothing to act on."""

import pytest

from vpl.checker import check


def _codes(source: str) -> list[str]:
    return [found.code for found in check(source).diagnostics]


@pytest.mark.parametrize(
    "stream",
    [
        "all A as a .within(5s)",
        "all A as a .not(X)",
        "all A as a .within(5s) .not(X)",
        "all A as a .within(5s) -> B",
        "all A as a .within(5s) -> B .within(3s)",
        "all A as a .not(X) .within(5s)",
        "all A .trend_aggregate(n: count_trends())",
        "A as a .not(X) .within(5s)",
        "A as a .not(X) .not(Y) .within(5s)",
        "A -> B .not(X) .within(5s) .not(Y)",
        "A -> B .within(5s) .not(X)",
        "sequence(a: A, b: B .within(5s))",
        "sequence(a: A, b: B) .within(5s) -> C",
        "sequence(a: A, b: B) .where(v > 1) -> C",
        "sequence(a: A) .not(X) .within(5s)",
        "Rising .within(5s)",
        "Rising .not(X)",
        "Single .not(X) .within(5s)",
        "Rising as p -> B .within(5s)",
    ],
)
def test_bounds_and_negations_with_something_to_act_on_are_allowed(stream: str) -> None:
    named = "pattern Rising = SEQ(A, A)\npattern Single = A OR B\n"
    assert _codes(f"{named}stream S = {stream}") == []


@pytest.mark.parametrize(
    ("stream", "codes"),
    [
        ("A as a .within(5s)", ["E020"]),
        ("A as a .within(5s) -> B", ["E020"]),
        ("sequence(a: A .within(5s), b: B)", ["E020"]),
        ("sequence(a: A .within(5s)) -> B", ["E020"]),
        ("sequence(a: A .within(5s))", ["E020"]),
        ("sequence(a: A) .within(5s)", ["E020"]),
        ("sequence(a: A) .within(5s) -> B", ["E020"]),
        ("Single .within(5s)", ["E020"]),
        ("A as a .within(5s) .not(X) .within(3s)", ["E020"]),
        ("A as a .not(X)", ["E021"]),
        ("all A as a .not(X) -> B", ["E025"]),
        ("sequence(a: A) .not(X)", ["E021"]),
        ("Single .not(X)", ["E021"]),
        ("A as a .within(5s) .not(X)", ["E021"]),
        ("A as a .not(X) .within(5s) .not(Y)", ["E021"]),
        ("A as a .not(X) .not(Y)", ["E021"]),
        ("merge(A, B) .not(X) .within(5s)", ["E022"]),
        ("timer(5s) .not(X)", ["E022"]),
        ("join(A, B) .on(A.k == B.k) .not(X)", ["E022"]),
        ("merge(A, B) -> C .within(5s)", ["E022"]),
    ],
)
def test_those_without_are_refused(stream: str, codes: list[str]) -> None:
    assert _codes(f"pattern Single = A OR B\nstream S = {stream}") == codes


def test_a_negation_in_the_wrong_order_is_told_the_right_one() -> None:
    [found] = check("stream S = A\n    .within(5s)\n    .not(X)").diagnostics
    assert found.span.line == 3
    assert "no match is under way" in found.message
    assert ".not(..).within(..)" in (found.hint or "")


@pytest.mark.parametrize(
    "declaration",
    [
        ".context(c)",
        ".watermark(out_of_order: 5s)",
        ".watermark(out_of_order: 5s) .allowed_lateness(1s)",
        '.on_error("skip")',
    ],
)
def test_declarations_may_stand_anywhere_in_a_sequence(declaration: str) -> None:
    for steps in (f"A {declaration} -> B -> C", f"A -> B {declaration} -> C"):
        assert _codes(f"context c\nstream S = {steps} .emit(n: 1)") == []


@pytest.mark.parametrize(
    ("filter_", "codes"),
    [
        ("", ["W021"]),
        (" where true", ["W021"]),
        (" where v > 1", ["W021"]),
        (" where false", []),
        (" where v > 2", []),
    ],
)
def test_a_negation_of_all_that_is_awaited_never_matches(
    filter_: str, codes: list[str]
) -> None:
    assert _codes(f"stream S = A -> B where v > 1 .not(B{filter_})") == codes
