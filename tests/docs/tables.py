"""Read the Markdown tables of a document whose rows are claims to check."""

import re
from collections.abc import Iterator
from pathlib import Path

CELL_END = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`` (.+?) ``|`([^`]+)`")


def rows(path: Path, *header: str) -> Iterator[list[str]]:
    """Yield the cells of every row below a heading line with exactly these titles."""
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = _cells(line)
        if cells == list(header):
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(line) <= set("|-: "):
            yield cells


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip().replace(r"\|", "|") for cell in CELL_END.split(line)[1:-1]]


def code(cell: str) -> str:
    """Return the text of the code spans of a cell, one line per span."""
    return "\n".join(first or second for first, second in CODE.findall(cell))
