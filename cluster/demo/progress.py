"""How far a long run has come: a bar on a terminal, plain lines elsewhere."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

Advance = Callable[[int], None]  # how many more are done; safe from any thread

_PLAIN_STEPS = 10  # a line at every tenth


@contextlib.contextmanager
def progress(title: str, total: int, stream: TextIO | None = None) -> Iterator[Advance]:
    """Show progress towards `total` on the stream (standard error) while open."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(stream) as bar:
            task = bar.add_task(title, total=total)
            yield lambda count: bar.advance(task, count)
    else:
        yield PlainProgress(title, total, stream).advance


class PlainProgress:
    """Prints a line whenever another tenth is done."""

    def __init__(self, title: str, total: int, stream: TextIO) -> None:
        self._title = title
        self._total = total
        self._stream = stream
        self._done = 0
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Count `count` more as done."""
        with self._lock:
            before = self._step()
            self._done += count
            if self._step() > before:
                percent = 100 * self._done // self._total
                print(
                    f"{self._title}: {self._done} of {self._total} ({percent} %)",
                    file=self._stream,
                    flush=True,
                )

    def _step(self) -> int:
        return _PLAIN_STEPS * self._done // self._total


def _bar(stream: TextIO) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
    )
