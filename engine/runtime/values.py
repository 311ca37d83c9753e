"""Kinds of VPL values that JSON does not have (vpl.md section 3).

null, bool, int, float, str, array and map are `None`, `bool`, `int`, `float`, `str`,
`list` and `dict`. Values are never changed once made. Maps hold no null members.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, final

INT_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**63)
NS_PER_S: Final = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@final
class Timestamp:
    """An instant: integer nanoseconds since 1970 UTC."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(("timestamp", self.ns))

    def __repr__(self) -> str:
        return f"Timestamp({self.ns})"


@final
class Duration:
    """A signed length of time in integer nanoseconds."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(("duration", self.ns))

    def __repr__(self) -> str:
        return f"Duration({self.ns})"


@final
class Function:
    """A lambda; `call(frame, depth, *args)` evaluates it."""

    __slots__ = ("arity", "call")

    def __init__(self, call: Callable[..., Any], arity: int) -> None:
        self.call = call
        self.arity = arity


KIND_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "array",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
    Function: "function",
}


def iso_text(ns: int) -> str:
    """Return an instant as ISO 8601 with `Z` and the shortest fraction."""
    seconds, fraction = divmod(ns, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if fraction:
        text += f".{fraction:09d}".rstrip("0")
    return text + "Z"
