"""Ending a command by SIGTERM in good order."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Stopped(BaseException):
    """The process was asked to end."""


@contextlib.contextmanager
def stop_on_sigterm() -> Iterator[None]:
    """Raise Stopped in the block when SIGTERM comes, as Ctrl+C raises its own."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
