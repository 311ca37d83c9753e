"""Bringing the findings of all passes into one list."""

from collections.abc import Iterable
from dataclasses import replace

from vpl.diagnostics import Diagnostic
from vpl.limits import MAX_FINDINGS

_SHOWN_COPIES = 3


def settle(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings by file and position, each once, at most `MAX_FINDINGS`.

    A finding that several copies of a generator body share becomes one that names
    the values of the first copies.
    """
    grouped: dict[tuple[str, int, int, str], list[Diagnostic]] = {}
    for finding in findings:
        span = finding.span
        key = (finding.code, span.line, span.column, span.file)
        grouped.setdefault(key, []).append(finding)
    merged = [_merged(group) for group in grouped.values()]
    merged.sort(key=_place)
    return tuple(merged[:MAX_FINDINGS])


def _place(found: Diagnostic) -> tuple[str, int, int, str]:
    span = found.span
    return span.file, span.line, span.column, found.code


def _merged(group: list[Diagnostic]) -> Diagnostic:
    first = group[0]
    notes = list(dict.fromkeys(found.span.note for found in group if found.span.note))
    if not notes:
        return first
    shown = "; ".join(notes[:_SHOWN_COPIES])
    more = len(notes) - _SHOWN_COPIES
    rest = f" and {more} more" if more > 0 else ""
    return replace(first, message=f"{first.message} (for {shown}{rest})")
