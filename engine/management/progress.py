"""A progress bar where somebody is looking."""

import contextlib
import sys
from collections.abc import Callable, Iterator

Advance = Callable[[int], None]


@contextlib.contextmanager
def progress_of(label: str, total: int) -> Iterator[Advance]:
    """Give a function that counts what is done; shows a bar on a terminal only."""
    if not sys.stderr.isatty() or not total:
        yield lambda _done: None
        return
    # rich takes 0.1 s to import: only where it is seen.
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, advance=done)
