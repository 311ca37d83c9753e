"""Which pipeline takes an event (api.md 6.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.event_routing import (
    RouteRule,
    choose_target,
    family_of,
    is_valid_pattern,
    match_route,
    matches_pattern,
)

NAMES = st.text(alphabet="ABab01_", min_size=1, max_size=6)


def external(to: str, *types: str) -> RouteRule:
    return RouteRule("_external", to, types)


@pytest.mark.parametrize(
    ("pattern", "event_type", "taken"),
    [
        ("SensorReading", "SensorReading", True),
        ("SensorReading", "SensorReading2", False),
        ("SensorReading", "sensorreading", False),
        ("ComputeTile0*", "ComputeTile00", True),
        ("ComputeTile0*", "ComputeTile0", True),
        ("ComputeTile0*", "ComputeTile1", False),
        ("*", "Anything", True),
    ],
)
def test_patterns_take_what_the_tutorial_says(
    pattern: str, event_type: str, taken: bool
) -> None:
    assert matches_pattern(pattern, event_type) is taken


@given(prefix=NAMES, rest=st.text(alphabet="ABab01_", max_size=4))
def test_a_prefix_pattern_takes_every_type_that_starts_with_it(
    prefix: str, rest: str
) -> None:
    assert matches_pattern(f"{prefix}*", prefix + rest)
    assert match_route([external("p", f"{prefix}*")], prefix + rest) is not None


@given(name=NAMES, other=NAMES)
def test_an_exact_pattern_takes_itself_only(name: str, other: str) -> None:
    assert matches_pattern(name, other) is (name == other)


@pytest.mark.parametrize(
    ("pattern", "valid"),
    [
        ("A", True),
        ("A*", True),
        ("*", True),
        ("", False),
        ("A*B", False),
        ("**", False),
    ],
)
def test_a_star_is_valid_at_the_end_only(pattern: str, valid: bool) -> None:
    assert is_valid_pattern(pattern) is valid


def test_only_a_prefix_pattern_has_a_family() -> None:
    assert [family_of(item) for item in ("Tile*", "Tile", "*")] == ["Tile", None, None]


def test_the_first_matching_route_wins() -> None:
    routes = [external("a", "Compute*"), external("b", "*"), external("c", "Exact")]
    found = match_route(routes, "Exact")
    assert found is not None
    assert (found.index, found.pattern, found.to_pipeline) == (1, "*", "b")


def test_routes_between_pipelines_take_nothing_from_outside() -> None:
    assert match_route([RouteRule("a", "b", ("*",))], "E") is None


@pytest.mark.parametrize(
    ("default_route", "target"),
    [("first", "a"), ("b", "b"), ("reject", None), ("gone", "a")],
)
def test_without_a_route_the_default_decides(
    default_route: str, target: str | None
) -> None:
    found = choose_target([], "E", default_route=default_route, pipelines=("a", "b"))
    assert (found.to_pipeline if found else None) == target
