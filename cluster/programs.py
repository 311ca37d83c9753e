"""Check the VPL sources of a group with the checker that the workers use."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import vpl
from cluster.exceptions import InvalidProgramError
from cluster.group_spec import PipelineSpec

SYNTAX_CODES = ("E10", "E110")  # vpl.md section 15: E101 to E110


@dataclass(frozen=True, slots=True)
class CheckedProgram:
    """What the coordinator needs to know of a source that loads."""

    fingerprint: str
    consumes: frozenset[str]
    warnings: tuple[str, ...]


def check_programs(pipelines: Iterable[PipelineSpec]) -> dict[str, CheckedProgram]:
    """Check every source and return what is known of each, by pipeline name.

    Raises InvalidProgramError with the findings of all sources, each with its pipeline.
    """
    checked: dict[str, CheckedProgram] = {}
    findings: list[dict[str, Any]] = []
    faulty: list[str] = []
    for pipeline in pipelines:
        result = vpl.check(pipeline.source)
        found = [diagnostic_json(d, pipeline.name) for d in result.diagnostics]
        findings += found
        if not result.valid:
            faulty.append(pipeline.name)
            continue
        checked[pipeline.name] = CheckedProgram(
            fingerprint=vpl.fingerprint(result.program),
            consumes=vpl.consumed_types(result.program),
            warnings=tuple(_warning_text(item) for item in found),
        )
    if faulty:
        raise _invalid(faulty, findings)
    return checked


def check_source(source: str) -> dict[str, Any]:
    """Check one source and return the answer of the validate call."""
    result = vpl.check(source)
    return {
        "valid": result.valid,
        "diagnostics": [diagnostic_json(item) for item in result.diagnostics],
        "consumes": sorted(vpl.consumed_types(result.program)),
        "emits": sorted(vpl.emitted_types(result.program)),
        "streams": list(vpl.stream_names(result.program)),
    }


def diagnostic_json(
    diagnostic: vpl.Diagnostic, pipeline: str | None = None
) -> dict[str, Any]:
    """Return a diagnostic in the form of api.md section 3."""
    span = diagnostic.span
    body: dict[str, Any] = {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "message": diagnostic.message,
    }
    if diagnostic.hint is not None:
        body["hint"] = diagnostic.hint
    return body if pipeline is None else {"pipeline": pipeline, **body}


def _invalid(faulty: list[str], findings: list[dict[str, Any]]) -> InvalidProgramError:
    errors = [item for item in findings if item["severity"] == "error"]
    is_syntax = any(item["code"].startswith(SYNTAX_CODES) for item in errors)
    first = next(iter(errors), None)
    where = f": line {first['line']}: {first['message']}" if first else ""
    names = ", ".join(f"'{name}'" for name in faulty)
    return InvalidProgramError(
        f"pipeline {names} does not {'parse' if is_syntax else 'check'}{where}",
        code="parse_error" if is_syntax else "invalid_vpl",
        details={"diagnostics": findings},
    )


def _warning_text(item: dict[str, Any]) -> str:
    return (
        f"pipeline '{item['pipeline']}', line {item['line']}: "
        f"{item['message']} [{item['code']}]"
    )
