"""Print answers: a table on a terminal, tab-separated lines elsewhere, or JSON."""

import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

Rows = Sequence[Sequence[object]]


def print_table(
    columns: Sequence[str], rows: Rows, stream: TextIO | None = None
) -> None:
    """Print rows below their column names."""
    stream = stream or sys.stdout
    texts = [[_text(value) for value in row] for row in rows]
    if stream.isatty():
        _print_rich(columns, texts, stream)
        return
    for line in (columns, *texts):
        stream.write("\t".join(line) + "\n")


def print_json(answer: Any, stream: TextIO | None = None) -> None:
    """Print an answer as it came, readable."""
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    (stream or sys.stdout).write(text + "\n")


def _print_rich(columns: Sequence[str], texts: list[list[str]], stream: TextIO) -> None:
    # rich costs 50 ms to load, which a script need not pay
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in texts:
        table.add_row(*(Text(value) for value in row))
    Console(file=stream).print(table)


def _text(value: object) -> str:
    """Return a cell; what would break the line or the terminal is left out."""
    if value is None or value == "":
        return "-"
    return "".join(c if c.isprintable() else "?" for c in str(value))
