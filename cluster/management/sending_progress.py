"""How far the sending of a file is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final, TextIO

LINE_EVERY_S: Final = 5.0


class SendingProgress:
    """Shows events and, where the size of the file is known, the share of it.

    Nothing is shown of what is done within the first moments. Goes to standard error.
    """

    def __init__(
        self,
        name: str,
        size: int,
        *,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._size = size
        self._stream = stream or sys.stderr
        self._now = now
        self._bar: Any = None
        self._task: Any = None
        self._shown_s = now()

    def update(self, events: int, position: int) -> None:
        """Tell how many events were sent, and how many bytes of the file were read."""
        if self._stream.isatty():
            self._move_bar(events, position)
        elif self._now() - self._shown_s >= LINE_EVERY_S:
            self._shown_s = self._now()
            share = f", {100 * position // self._size} %" if self._size else ""
            self._stream.write(f"{self._name}: {events} events{share}\n")
            self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def _move_bar(self, events: int, position: int) -> None:
        if self._bar is None:
            self._bar, self._task = self._show()
        self._bar.update(self._task, completed=position, events=f"{events:,} events")

    def _show(self) -> tuple[Any, Any]:
        # rich takes 0.1 s to import: only where it is seen.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]}"),
            TimeElapsedColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.start()
        return bar, bar.add_task(self._name, total=self._size or None, events="")
