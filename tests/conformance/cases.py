"""The conformance cases: executable examples of the language reference.

The cases are project data under `cases/`, one JSON array per chapter; README.md there
explains their form. Where the shared originals are at hand (`VARPULIS_CONFORMANCE`, or
`shared/conformance` beside the project), a test compares the copies with them.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "cases"
PROJECT = Path(__file__).parents[2]


def chapters() -> list[str]:
    """Return the names of all chapters, sorted."""
    return sorted(path.stem for path in HERE.glob("*.json"))


def load(chapter: str) -> list[dict[str, Any]]:
    """Return the cases of one chapter in their order."""
    cases: list[dict[str, Any]] = json.loads(
        (HERE / f"{chapter}.json").read_text(encoding="utf-8")
    )
    return cases


def all_cases() -> Iterator[dict[str, Any]]:
    """Yield the cases of all chapters."""
    for chapter in chapters():
        yield from load(chapter)


def run_cases(tier: int | None = None) -> list[dict[str, Any]]:
    """Return the cases with events and expected outputs, of one tier or all."""
    return [
        case
        for case in all_cases()
        if "events" in case and tier in {None, case["tier"]}
    ]


def diagnostics_cases(tier: int | None = None) -> list[dict[str, Any]]:
    """Return the cases with expected diagnostics, of one tier or all."""
    return [
        case
        for case in all_cases()
        if "diagnostics" in case and tier in {None, case["tier"]}
    ]


def originals() -> Path | None:
    """Return the folder of the shared cases if it is at hand."""
    named = os.environ.get("VARPULIS_CONFORMANCE")
    folder = Path(named) if named else PROJECT.parent / "shared" / "conformance"
    return folder if folder.is_dir() else None
