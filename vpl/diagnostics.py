"""Findings about a program: data that CLI, API and editors render alike."""

from dataclasses import dataclass
from typing import Any, Literal

from vpl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that explains a diagnostic."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding of the lexer, parser or checker (vpl.md section 15).

    `code` is stable; codes starting with `W` are warnings, all others errors.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    related: tuple[Related, ...] = ()

    @property
    def severity(self) -> Severity:
        """Return `warning` for W codes and `error` for all others."""
        return "warning" if self.code.startswith("W") else "error"

    def to_json(self) -> dict[str, Any]:
        """Return the form of vpl.md section 18.3."""
        body: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "line": self.span.line,
            "column": self.span.column,
            "end": {"line": self.span.end_line, "column": self.span.end_column},
        }
        if self.span.file:
            body["file"] = self.span.file
        if self.hint is not None:
            body["hint"] = self.hint
        if self.related:
            body["related"] = [_related_json(item) for item in self.related]
        return body


def _related_json(item: Related) -> dict[str, Any]:
    body: dict[str, Any] = {
        "line": item.span.line,
        "column": item.span.column,
        "message": item.message,
    }
    return {**body, "file": item.span.file} if item.span.file else body
