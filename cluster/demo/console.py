"""Lines of several processes on one terminal, each with the name of its process."""

import sys
import threading
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)  # of ANSI terminals


class Console:
    """Prints whole lines, one at a time, from any thread."""

    def __init__(self, width: int, stream: TextIO | None = None) -> None:
        self._width = width
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty()
        self._lock = threading.Lock()
        self._names: list[str] = []

    def relay(self, name: str, line: str) -> None:
        """Print a line of a process behind its name."""
        self.say(f"{self._prefix(name)} {line}")

    def say(self, text: str = "") -> None:
        """Print a line of our own."""
        with self._lock:
            print(text, file=self._stream, flush=True)

    def _prefix(self, name: str) -> str:
        text = f"{name:<{self._width}} |"
        if not self._coloured:
            return text
        if name not in self._names:
            self._names.append(name)
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        return f"\x1b[{colour}m{text}\x1b[0m"
