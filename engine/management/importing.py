"""Imports of a program that lies in a file."""

from pathlib import Path

from vpl.limits import MAX_SOURCE_BYTES


class ImportedFiles:
    """Reads the files that a program imports, relative to the program's folder.

    `texts` keeps what was read, by path as findings name it. A file that is no
    UTF-8 text, or much too large for a program, cannot be read.
    """

    def __init__(self, program: str) -> None:
        self.texts: dict[str, str] = {}
        self._folder = Path(program).parent

    def __call__(self, path: str) -> str | None:
        """Return the text of a file, or None if it cannot be read."""
        try:
            with (self._folder / path).open("rb") as file:
                raw = file.read(2 * MAX_SOURCE_BYTES)
            text = raw.decode("utf-8-sig")
        except (OSError, ValueError):  # ValueError: not UTF-8, or NUL in the path
            return None
        self.texts[path] = text
        return text
