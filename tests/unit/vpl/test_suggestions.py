"""The closest known name."""

import pytest

from vpl.suggestions import closest, hint


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("Alrts", ["Alerts", "Other"], "Alerts"),
        ("wher", ["where", "filter"], "where"),
        ("ALERTS", ["alerts"], "alerts"),
        ("ab", ["ax", "xy"], "ax"),
        ("ab", ["xy"], None),
        ("a", ["b"], "b"),
        ("abcdef", ["abcxyz"], "abcxyz"),
        ("abcdefgh", ["abcd"], None),
        ("total", ["totals", "tota"], "totals"),
        ("x", [], None),
        ("same", ["same"], None),
        ("a" * 1000, ["a" * 999], None),
    ],
)
def test_the_closest_name_wins_within_bounds(
    name: str, known: list[str], found: str | None
) -> None:
    assert closest(name, known) == found


def test_the_hint_is_a_question() -> None:
    assert hint("wher", ["where"]) == "did you mean 'where'?"
    assert hint("wher", ["select"]) is None
