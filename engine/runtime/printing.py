"""Side effects of streams: printed lines and topics."""

import sys
from typing import Any

from engine.runtime.display import display
from engine.runtime.frame import Frame


def show(prefix: str, values: tuple[Any, ...]) -> None:
    """Print values on one line of standard output, after the stream's name."""
    text = " ".join(map(display, values)).replace("\n", "\\n")
    sys.stdout.write(f"{prefix}{text}\n")


def topic_text(value: Any, default: str, x: Frame) -> str:
    """Return the topic of one event; anything but a text is counted."""
    if value.__class__ is str:
        return str(value)
    if value is not None:
        x.count("kind")
    return default
