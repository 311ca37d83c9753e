"""The run cases of the language reference as files, the way `varpulis test` runs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.simulation.program_test import ProgramTest, run_test
from tests.conformance.cases import run_cases


def lines(*head: str, values: list[dict[str, Any]]) -> str:
    return "".join(f"{line}\n" for line in [*head, *map(json.dumps, values)])


@pytest.mark.parametrize("case", run_cases(), ids=lambda case: case["id"])
def test_a_case_passes_as_files(case: dict[str, Any], tmp_path: Path) -> None:
    test = ProgramTest(tmp_path / "case.vpl")
    flush = ["# flush"] if case["flush"] else []
    unordered = ["# unordered"] if case.get("unordered") else []
    test.events.write_text(lines(*flush, values=case["events"]))
    test.expected.write_text(lines(*unordered, values=case["expected"]))
    outcome = run_test(test, case["program"], {}, update=False)
    assert outcome.passed, (outcome.differences, outcome.reasons)
