"""What `.log` writes (vpl.md 8.3)."""

import logging
from typing import Any, Final

from engine.runtime.display import display
from engine.runtime.frame import Frame
from engine.runtime.weight import is_bounded

logger = logging.getLogger("varpulis.stream")

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


def log_event(message: Any, data: Any, level: Any, x: Frame) -> None:
    """Log one event of a stream; an unknown level is counted and reads as info.

    The record carries `stream` and `data` for structured formats.
    """
    number = LEVELS.get(level) if level.__class__ is str else None
    if number is None:
        if level is not None:
            x.count("argument")
        number = logging.INFO
    if not logger.isEnabledFor(number) or not is_bounded([message, data], x):
        return
    shown = [display(part) for part in (message, data) if part is not None]
    extra = {"stream": x.stream, "data": display(data)}
    logger.log(number, "%s: %s", x.stream, " ".join(shown), extra=extra)
