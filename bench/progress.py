"""Says what is being measured: bars on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Display(Protocol):
    """Shows where a run stands."""

    def begin(self, part: str, about_s: float) -> None:
        """Show that a part starts that takes about so many seconds."""

    def step(self, what: str) -> None:
        """Show what is being measured within the part."""

    def end(self, verdict: str) -> None:
        """Show how the part ended."""


class Silent:
    """Shows nothing: for tests, and for parts that are run as functions."""

    def begin(self, part: str, about_s: float) -> None:
        """Show nothing."""

    def step(self, what: str) -> None:
        """Show nothing."""

    def end(self, verdict: str) -> None:
        """Show nothing."""


class Lines:
    """Prints a line for everything."""

    def __init__(self, console: Console, parts: int) -> None:
        self._console = console
        self._parts = parts
        self._place = 0
        self._part = ""

    def begin(self, part: str, about_s: float) -> None:
        """Print which part of how many."""
        self._place += 1
        self._part = part
        self._print(f"[{self._place}/{self._parts}] {part}, about {about_s:.0f} s")

    def step(self, what: str) -> None:
        """Print it, indented."""
        self._print(f"    {what}")

    def end(self, verdict: str) -> None:
        """Print the part and the verdict."""
        self._print(f"    {self._part}: {verdict}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars:
    """Moves a bar by the seconds that the parts are expected to take."""

    def __init__(self, progress: Progress, total_s: float) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total_s, step="")
        self._part = ""
        self._about_s = self._over_s = self._started = 0.0

    def begin(self, part: str, about_s: float) -> None:
        """Name the part beside the bar."""
        self._part, self._about_s = part, about_s
        self._started = time.monotonic()
        self._progress.update(self._task, description=part, step="")

    def step(self, what: str) -> None:
        """Name the step, and move on by the time that went by."""
        spent = min(time.monotonic() - self._started, self._about_s)
        self._progress.update(self._task, completed=self._over_s + spent, step=what)

    def end(self, verdict: str) -> None:
        """Leave a line above the bar."""
        self._over_s += self._about_s
        self._progress.update(self._task, completed=self._over_s, step="")
        self._progress.console.print(
            f"{self._part}: {verdict}", markup=False, highlight=False
        )


_shown: list[Display] = [Silent()]


def step(what: str) -> None:
    """Tell a watcher what is being measured now."""
    _shown[-1].step(what)


@contextlib.contextmanager
def showing(parts: int, total_s: float) -> Iterator[Display]:
    """Show steps on standard error; give what shows parts."""
    console = Console(stderr=True)
    with contextlib.ExitStack() as stack:
        display: Display = Lines(console, parts)
        if console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[step]}"),
            )
            bars = stack.enter_context(Progress(*columns, console=console))
            display = Bars(bars, total_s)
        _shown.append(display)
        stack.callback(_shown.pop)
        yield display
