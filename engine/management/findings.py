"""Diagnostics for people: `file:line:col: severity[CODE] message` and the place."""

from collections.abc import Iterable, Iterator

from vpl import Diagnostic

MAX_SHOWN_LINE = 200


def diagnostic_lines(
    name: str, source: str, diagnostics: Iterable[Diagnostic]
) -> Iterator[str]:
    """Yield the lines that show each diagnostic with its source line and hint."""
    lines = source.splitlines()
    for item in diagnostics:
        span = item.span
        yield (
            f"{name}:{span.line}:{span.column}: "
            f"{item.severity}[{item.code}] {item.message}"
        )
        if 0 < span.line <= len(lines):
            yield from _marked(lines[span.line - 1], item)
        if item.hint:
            yield f"    hint: {item.hint}"


def _marked(line: str, item: Diagnostic) -> Iterator[str]:
    start = item.span.column - 1
    if start > MAX_SHOWN_LINE:
        return
    same_line = item.span.end_line == item.span.line
    end = item.span.end_column - 1 if same_line else len(line)
    width = max(1, min(end, MAX_SHOWN_LINE) - start)
    # Tabs stay tabs below the text, so that the marker stands where it should.
    indent = "".join("\t" if char == "\t" else " " for char in line[:start])
    yield f"    {line[:MAX_SHOWN_LINE]}"
    yield f"    {indent.ljust(start)}{'^' * width}"
