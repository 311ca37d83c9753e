"""What pipelines get of the limits they ask for."""

import pytest

from engine import Limits
from engine.limit_policy import LimitPolicy, parse_limits, shown_limits
from vpl import PIPELINE_LIMITS


def test_limits_are_read_from_a_list() -> None:
    assert parse_limits(" runs=5, cpu_s_per_event=0.5 ,") == {
        "runs": 5,
        "cpu_s_per_event": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs", "'runs' is not of the form NAME=VALUE"),
        ("runs=", "'runs' must be a number"),
        ("runs=many", "'runs' must be a number"),
        ("runs=0", "'runs' must be above zero"),
        ("runs=nan", "'runs' must be above zero"),
        ("runs=1e99", "'runs' may be 1 000 000 000 at most"),
        ("runz=4", r"unknown limit 'runz' \(did you mean 'runs'\?\)"),
    ],
)
def test_a_bad_list_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_limits(text)


def test_without_a_word_of_anybody_the_defaults_hold() -> None:
    assert LimitPolicy().limits({}) == Limits()


def test_a_pipeline_may_always_ask_for_less() -> None:
    assert not list(LimitPolicy().faults({"runs": 1}))
    assert LimitPolicy().limits({"runs": 1}) == Limits(runs=1)


def test_a_pipeline_gets_more_only_if_the_operator_allows_it() -> None:
    (fault,) = LimitPolicy().faults({"runs": 10_001})
    assert fault.message == "'runs' may be 10 000 at most"
    policy = LimitPolicy(allowed={"runs": 20_000})
    assert not list(policy.faults({"runs": 20_000}))
    assert policy.limits({"runs": 20_000}) == Limits(runs=20_000)
    assert list(policy.faults({"runs": 20_001}))


def test_the_operators_default_is_allowed_to_all() -> None:
    policy = LimitPolicy(defaults={"runs": 50_000})
    assert policy.limits({}).runs == 50_000
    assert not list(policy.faults({"runs": 50_000}))
    assert list(policy.faults({"runs": 50_001}))


def test_what_is_allowed_bounds_defaults_too() -> None:
    assert LimitPolicy(allowed={"runs": 10}).limits({}).runs == 10


def test_what_was_granted_once_is_cut_to_what_is_allowed_now() -> None:
    assert LimitPolicy().limits({"runs": 10**9, "partitions": 7}) == Limits(
        partitions=7
    )


def test_a_default_above_what_is_allowed_is_named() -> None:
    policy = LimitPolicy(defaults={"runs": 20, "partitions": 5}, allowed={"runs": 10})
    assert list(policy.excess()) == ["runs"]


def test_limits_are_shown_by_name() -> None:
    shown = shown_limits(Limits(runs=7))
    assert list(shown) == list(PIPELINE_LIMITS)
    assert shown["runs"] == 7
