"""What `.tap` counts (vpl.md 8.3)."""

from typing import Any, Final

from engine.runtime.display import display
from engine.runtime.frame import Frame
from engine.runtime.weight import is_bounded

MAX_SERIES: Final = 1000  # counters of one stream, labels counted
MAX_LABEL_CHARS: Final = 200
OTHER: Final = "other"


def tap_event(counter: Any, labels: dict[str, Any], x: Frame) -> None:
    """Add 1 to a counter; a name that is no text is counted as an error.

    Beyond `MAX_SERIES` new label values share the value `other`.
    """
    if counter.__class__ is not str:
        x.count("kind")
        return
    series = (counter, tuple((name, _text(v, x)) for name, v in labels.items()))
    taps = x.taps
    if series not in taps and len(taps) >= MAX_SERIES:
        series = (counter, tuple((name, OTHER) for name in labels))
    taps[series] = taps.get(series, 0) + 1


def _text(value: Any, x: Frame) -> str:
    if value.__class__ is str:
        return str(value)[:MAX_LABEL_CHARS]
    return display(value)[:MAX_LABEL_CHARS] if is_bounded(value, x) else ""
