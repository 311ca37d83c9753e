"""Limits by name: which can be meant, and what is said of the others."""

import json
from dataclasses import fields
from typing import Any

import pytest

from engine import Limits
from vpl import PIPELINE_LIMITS, limit_faults, limit_values


def test_the_engine_has_a_limit_of_each_name_with_the_same_default() -> None:
    defaults = {field.name: field.default for field in fields(Limits)}
    for name, limit in PIPELINE_LIMITS.items():
        assert defaults[name] == limit.default
        assert isinstance(defaults[name], int) == limit.is_whole
        assert limit.default <= limit.allowed <= limit.most


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("rnus", 1, "unknown limit 'rnus'", "did you mean 'runs'?"),
        ("colour", 1, "unknown limit 'colour'", "known: cpu_s_per_event, "),
        ("runs", 0, "'runs' must be above zero", ""),
        ("runs", -3, "'runs' must be above zero", ""),
        ("runs", 1.5, "'runs' must be a whole number", ""),
        ("runs", float("nan"), "'runs' must be above zero", ""),
        ("runs", float("inf"), "'runs' must be above zero", ""),
        ("runs", 10**400, "'runs' may be 1 000 000 000 at most", ""),
        ("recursion_depth", 1001, "'recursion_depth' may be 1 000 at most", ""),
        ("idle_grace_s", 3600.5, "'idle_grace_s' may be 3 600.0 at most", ""),
    ],
)
def test_what_cannot_be_meant_is_said(
    name: str, value: Any, message: str, hint: str
) -> None:
    (fault,) = limit_faults({name: value})
    assert (fault.name, fault.message, fault.is_kind) == (name, message, False)
    assert fault.hint.startswith(hint)


@pytest.mark.parametrize("value", ["5", True, None, [5], {}])
def test_what_is_no_number_is_of_the_wrong_kind(value: Any) -> None:
    (fault,) = limit_faults({"runs": value})
    assert (fault.message, fault.is_kind) == ("'runs' must be a number", True)


def test_what_is_allowed_bounds_what_is_asked_for() -> None:
    allowed = {name: limit.most for name, limit in PIPELINE_LIMITS.items()}
    assert not list(limit_faults({"runs": 10}, allowed | {"runs": 10}))
    (fault,) = limit_faults({"runs": 11}, allowed | {"runs": 10})
    assert fault.message == "'runs' may be 10 at most"


def test_a_heap_of_faults_is_answered_by_a_few_short_ones() -> None:
    faults = list(limit_faults({f"{at}{'x' * 1000}": at for at in range(100_000)}))
    assert len(faults) == 20
    assert all(len(fault.name) <= 64 for fault in faults)


def test_whole_numbers_come_out_whole() -> None:
    values = limit_values({"runs": 3.0, "cpu_s_per_event": 2})
    assert json.dumps(values) == '{"runs": 3, "cpu_s_per_event": 2.0}'
