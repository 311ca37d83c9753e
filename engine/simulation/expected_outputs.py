"""The file `x.expected.jsonl` of a program's test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.event_files import BadFileError

UNORDERED: Final = "# unordered"


@dataclass(frozen=True, slots=True)
class ExpectedOutputs:
    """Outputs in order; with `is_unordered` the order does not count.

    `comments` are the lines before the first output; an update keeps them.
    """

    outputs: tuple[dict[str, Any], ...] = ()
    comments: tuple[str, ...] = ()

    @property
    def is_unordered(self) -> bool:
        """Tell whether the first line says so."""
        return self.comments[:1] == (UNORDERED,)


def read_expected(path: Path) -> ExpectedOutputs:
    """Return the expected outputs of a file; raises BadFileError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFileError(f"cannot read {path}: {error}") from error
    outputs: list[dict[str, Any]] = []
    comments: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            comments += [] if outputs else [text]
        elif text:
            outputs.append(_output(path, number, text))
    return ExpectedOutputs(tuple(outputs), tuple(comments))


def _output(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFileError(f"{path}:{number}: no valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadFileError(f"{path}:{number}: an output is a JSON object")
    return body


def write_expected(
    path: Path, outputs: Sequence[dict[str, Any]], comments: Sequence[str]
) -> None:
    """Write outputs one per line after the comments."""
    lines = [*comments, *(msgspec.json.encode(output).decode() for output in outputs)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
