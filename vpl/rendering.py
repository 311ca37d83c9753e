"""Findings as text for people (vpl.md section 15)."""

from collections.abc import Iterable, Mapping

from vpl.diagnostics import Diagnostic
from vpl.tokens import printable

_WIDEST = 160


def render_diagnostics(
    findings: Iterable[Diagnostic],
    source: str,
    file: str = "<input>",
    imports: Mapping[str, str] | None = None,
) -> str:
    """Return the findings as text, each with its line of `source` and a marker.

    Findings in imports show the line of the text in `imports`, if it is there. The first line of each is `file:line:col: severity[CODE] message`; a `hint:` and
    the places of related findings follow. Without findings the text is empty.
    """
    texts = {**(imports or {}), "": source}
    lines = _Lines(texts)
    return "\n".join(
        _rendered(found, lines[found.span.file], file) for found in findings
    )


class _Lines(dict[str, list[str]]):
    """The lines of a program and its imports, each split once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def __missing__(self, file: str) -> list[str]:
        self[file] = self._texts.get(file, "").split("\n")
        return self[file]


def _rendered(found: Diagnostic, lines: list[str], file: str) -> str:
    span = found.span
    place = f"{printable(span.file or file)}:{span.line}:{span.column}"
    message = printable(found.message)
    parts = [f"{place}: {found.severity}[{found.code}] {message}"]
    parts += _marked(found, lines)
    if found.hint is not None:
        parts.append(f"  hint: {printable(found.hint)}")
    for other in found.related:
        where = f"{printable(other.span.file or file)}:{other.span.line}:{other.span.column}"
        parts.append(f"  {where}: {other.message}")
    return "\n".join(parts)


def _marked(found: Diagnostic, lines: list[str]) -> list[str]:
    """Return the source line and the line of carets below it, tabs kept in both."""
    span = found.span
    if span.line > len(lines) or lines == [""]:
        return []
    text = lines[span.line - 1].rstrip("\r")
    end = span.end_column if span.end_line == span.line else len(text) + 1
    start = span.column - 1
    if len(text) > _WIDEST:
        cut = max(0, start - _WIDEST // 2)
        text, start, end = text[cut : cut + _WIDEST], start - cut, end - cut
    width = max(1, min(end - 1, len(text)) - start)
    margin = "".join("\t" if char == "\t" else " " for char in text[:start])
    return [f"  {_printable(text)}", f"  {margin}{'^' * width}"]


def _printable(text: str) -> str:
    """Replace what would disturb a terminal, one character for one."""
    return "".join(c if c == "\t" or c.isprintable() else "\ufffd" for c in text)
