"""A progress bar where somebody is looking, for what takes its time."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_S: Final = 0.5
"""What is done sooner shows no bar."""


class ProgressBar:
    """Shows how far something is, on standard error if that is a terminal.

    `total` is what `position` of `update` goes up to; 0 means that nobody knows. There
    is no bar while standard output is the same terminal and in use (`is_shared`).
    """

    def __init__(
        self,
        label: str,
        total: int,
        *,
        is_shared: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._monotonic = monotonic
        self._is_seen = sys.stderr.isatty() and total > 0
        if is_shared and sys.stdout.isatty():
            self._is_seen = False
        self._began_s = monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "ProgressBar":
        return self

    def update(self, position: int) -> None:
        """Show how far it is."""
        if not self._is_seen or self._monotonic() - self._began_s < PATIENCE_S:
            return
        if self._bar is None or self._task is None:
            self._bar, self._task = self._show()
        self._bar.update(self._task, completed=position)

    def _show(self) -> "tuple[Progress, TaskID]":
        # rich takes 0.1 s to import: only where it is seen.
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        bar = Progress(
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.start()
        return bar, bar.add_task(self._label, total=self._total)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
