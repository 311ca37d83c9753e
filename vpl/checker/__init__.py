"""Checking programs: `check` collects the findings of all passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vpl.diagnostics import Diagnostic
from vpl.findings import settle
from vpl.nodes import Program
from vpl.parser import parse

__all__ = ["CheckResult", "check"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A checked program: its tree and everything found, sorted by position."""

    program: Program
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Tell whether the program may be loaded: no finding is an error."""
        return all(found.severity != "error" for found in self.diagnostics)

    def to_json(self) -> dict[str, Any]:
        """Return the check result of vpl.md section 18.3."""
        return {
            "valid": self.valid,
            "diagnostics": [found.to_json() for found in self.diagnostics],
        }


def check(source: str, *, imports: Mapping[str, str] | None = None) -> CheckResult:
    """Return the tree of `source` and all findings; never raises.

    `imports` maps the paths that the program may import to their sources.
    """
    parsed = parse(source)
    return CheckResult(parsed.program, settle(parsed.diagnostics))
