"""Side effects of streams: printed lines and topics."""

import re
import sys
from typing import Any

from engine.runtime.display import display
from engine.runtime.frame import Frame
from engine.runtime.weight import is_bounded

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def show(prefix: str, values: list[Any], x: Frame) -> None:
    """Print values on one line of standard output, after the stream's name.

    Control characters are escaped: a text can neither begin a line of its own nor
    speak to the terminal.
    """
    if is_bounded(values, x):
        text = _CONTROL.sub(_escaped, " ".join(map(display, values)))
        sys.stdout.write(f"{prefix}{text}\n")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def topic_text(value: Any, default: str, x: Frame) -> str:
    """Return the topic of one event; anything but a text is counted."""
    if value.__class__ is str:
        return str(value)
    if value is not None:
        x.count("kind")
    return default
