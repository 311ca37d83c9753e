"""The language front end against the conformance cases."""

from typing import Any

import pytest

import vpl
from tests.conformance.cases import (
    HERE,
    all_cases,
    chapters,
    diagnostics_cases,
    originals,
)
from vpl import catalog
from vpl.checker import connectors, operations

Case = dict[str, Any]


def _ids(cases: list[Case]) -> list[str]:
    return [case["id"] for case in cases]


def _found(result: vpl.CheckResult) -> list[tuple[str, int]]:
    return sorted((found.code, found.span.line) for found in result.diagnostics)


def _wanted(case: Case) -> list[tuple[str, int]]:
    return sorted((item["code"], item["line"]) for item in case["diagnostics"])


TIER_1 = diagnostics_cases(tier=1)
LATER = [case for case in diagnostics_cases() if case["tier"] > 1]
ALL = list(all_cases())


@pytest.fixture
def _complete_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that runs the whole language."""
    sources = ["event", "merge", "join", "sequence", "timer", "pattern", "all", "step"]
    everything = frozenset(catalog.OPERATIONS) | {f"source {name}" for name in sources}
    for kind in catalog.CONNECTOR_KINDS:
        everything |= {f"{kind} to", f"{kind} from"}
    monkeypatch.setattr(operations, "AVAILABLE", everything)
    monkeypatch.setattr(connectors, "AVAILABLE", everything)


@pytest.mark.parametrize("case", TIER_1, ids=_ids(TIER_1))
def test_it_finds_exactly_what_the_case_lists(case: Case) -> None:
    result = vpl.check(case["program"])
    assert _found(result) == _wanted(case)
    assert result.valid is case["valid"]


@pytest.mark.usefixtures("_complete_build")
@pytest.mark.parametrize("case", LATER, ids=_ids(LATER))
def test_it_finds_what_later_cases_list_once_all_operations_run(case: Case) -> None:
    result = vpl.check(case["program"])
    assert _found(result) == _wanted(case)
    assert result.valid is case["valid"]


@pytest.mark.parametrize("case", ALL, ids=_ids(ALL))
def test_it_finds_only_the_listed_syntax_errors(case: Case) -> None:
    listed = [
        (item["code"], item["line"])
        for item in case.get("diagnostics", [])
        if item["code"].startswith("E1")
    ]
    parsed = vpl.parse(case["program"])
    assert sorted((d.code, d.span.line) for d in parsed.diagnostics) == sorted(listed)


RUNS = [case for case in ALL if "events" in case]


@pytest.mark.usefixtures("_complete_build")
@pytest.mark.parametrize("case", RUNS, ids=_ids(RUNS))
def test_a_program_of_a_run_case_has_no_errors(case: Case) -> None:
    assert vpl.check(case["program"]).valid


TIER_1_RUNS = [case for case in RUNS if case["tier"] == 1]


@pytest.mark.parametrize("case", TIER_1_RUNS, ids=_ids(TIER_1_RUNS))
def test_this_build_accepts_every_program_of_the_first_tier(case: Case) -> None:
    assert vpl.check(case["program"]).valid


def test_the_copies_are_the_shared_cases() -> None:
    folder = originals()
    names = chapters()
    assert {"diagnostics", "expressions", "lexing"} <= set(names)
    for path in folder.glob("*.json") if folder is not None else ():
        copy = HERE / path.name
        assert copy.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
