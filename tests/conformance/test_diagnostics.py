"""The language front end against the conformance cases."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import vpl
from engine.compiler.guarding import refused_connectors
from engine.connectors.guard import Guard
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


def _found(found: Iterable[vpl.Diagnostic]) -> list[tuple[str, int]]:
    return sorted((item.code, item.span.line) for item in found)


def _wanted(case: Case) -> list[tuple[str, int]]:
    return sorted((item["code"], item["line"]) for item in case["diagnostics"])


# What a case of our own may say about the place of a check.
OWN = json.loads((HERE.parent / "own" / "diagnostics.json").read_text("utf-8"))
CODES = set(
    re.findall(
        r"[A-Z]\d+",
        """
    E001 E002 E003 E004 E005 E006 E007 E008 E010 E011 E012 E013 E020 E021 E022 E023
    E024 E025 E026 E030 E031 E032 E033 E034 E035 E040 E043 E044 E050 E051 E052 E060
    E061 E062 E070 E071 E072 E073 E080 E081 E082 E090 E092 E095 E096 E097 E101 E102
    E103 E104 E105 E106 E107 E108 E109 E110 W001 W002 W021 W023 W030 W031 W032 W033
    W034 W035 W041 W042 W043 W053 W054 W060 W072 W080 W081 W082 W083 W090 W091 W092
    W093 W097
        """,
    )
)
"""The codes of section 15 that a check can give; R codes are of the run time."""

TIER_1 = diagnostics_cases(tier=1)
LATER = [case for case in diagnostics_cases() if case["tier"] > 1]
ALL = list(all_cases())


@pytest.fixture
def complete_build(monkeypatch: pytest.MonkeyPatch) -> frozenset[str]:
    """A build that runs the whole language."""
    sources = ["event", "merge", "join", "sequence", "timer", "pattern", "all", "step"]
    everything = frozenset(catalog.OPERATIONS) | {f"source {name}" for name in sources}
    for kind in catalog.CONNECTOR_KINDS:
        everything |= {f"{kind} to", f"{kind} from"}
    _set_available(monkeypatch, everything)
    return everything


def _set_available(patch: pytest.MonkeyPatch, names: frozenset[str]) -> None:
    patch.setattr(operations, "AVAILABLE", names)
    patch.setattr(connectors, "AVAILABLE", names)


def _check(case: Case) -> list[vpl.Diagnostic]:
    """Return the findings of a case, which may say where it is checked:

    `imports` are bundled sources, `files` readable ones; of `host`, `connectors` are
    supplied, `modules` installed, `loads` is as in `vpl.Host`, and `guard` refuses
    addresses and paths as a server does.
    """
    place = case.get("host", {})
    modules = place.get("modules")
    host = vpl.Host(
        connectors=place.get("connectors", {}),
        loads=place.get("loads", False),
        has_module=lambda name: modules is None or name in modules,
    )
    imports = case["files"].get if "files" in case else case.get("imports")
    result = vpl.check(case["program"], imports=imports, host=host)
    found = list(result.diagnostics)
    if place.get("guard"):
        guard = Guard(workdir=Path("/srv/programs"), is_strict=True)
        found += refused_connectors(result.program, guard)
    return found


@pytest.mark.parametrize("case", TIER_1, ids=_ids(TIER_1))
def test_it_finds_exactly_what_the_case_lists(case: Case) -> None:
    found = _check(case)
    assert _found(found) == _wanted(case)
    assert all(item.severity != "error" for item in found) is case["valid"]


@pytest.mark.usefixtures("complete_build")
@pytest.mark.parametrize("case", LATER, ids=_ids(LATER))
def test_it_finds_what_later_cases_list_once_all_operations_run(case: Case) -> None:
    found = _check(case)
    assert _found(found) == _wanted(case)
    assert all(item.severity != "error" for item in found) is case["valid"]


@pytest.mark.parametrize("case", OWN, ids=_ids(OWN))
def test_it_finds_what_our_own_cases_list(
    case: Case, complete_build: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = frozenset(case.get("unavailable", ()))
    _set_available(monkeypatch, complete_build - missing)
    found = _check(case)
    assert _found(found) == _wanted(case)
    assert all(item.severity != "error" for item in found) is case["valid"]


def test_every_code_of_the_reference_has_a_case() -> None:
    """The codes are those that the checker can give and the reference lists."""
    proved = {
        item["code"] for case in (*ALL, *OWN) for item in case.get("diagnostics", ())
    }
    assert CODES - proved == set()
    assert proved - CODES == set()


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


@pytest.mark.usefixtures("complete_build")
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
