"""Constants of the text: numbers, durations, timestamps and strings as values.

Each function takes the raw text of one token and gives its value; what is wrong
with it is a `LiteralError` whose text is the message of the diagnostic.
"""

import math
import re
from datetime import date

from vpl.limits import INT_MAX
from vpl.tokens import printable

_INT = re.compile(r"[0-9]+(?:_[0-9]+)*\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*\Z")
_FLOAT = re.compile(
    r"(?:[0-9]+(?:_[0-9]+)*)?\.[0-9]+(?:_[0-9]+)*(?:[eE][+-]?[0-9]+)?\Z"
    r"|[0-9]+(?:_[0-9]+)*[eE][+-]?[0-9]+\Z"
)
_PART = re.compile(
    r"(?=\.?[0-9])((?:[0-9]+(?:_[0-9]+)*)?)(?:\.([0-9]+))?(ns|us|ms|min|s|m|h|d)"
)
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?\Z"
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIMPLE_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "0": "\0",
    '"': '"',
    "'": "'",
    "\\": "\\",
}
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_LONGEST_NUMBER = 400
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class LiteralError(ValueError):
    """The text looks like a constant but is none; `hint` may say what to write."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def number(text: str) -> tuple[str, int | float]:
    """Return the kind (`int`, `float`, `duration`) and the value of a number."""
    if len(text) > _LONGEST_NUMBER:
        raise LiteralError("number is too long")
    if _INT.match(text):
        return "int", _bounded(int(text.replace("_", "")), "integer")
    if _HEX.match(text):
        return "int", _bounded(int(text.replace("_", ""), 16), "integer")
    if _FLOAT.match(text):
        return "float", _finite(float(text))
    return "duration", duration(text)


def _bounded(value: int, what: str) -> int:
    if value > INT_MAX:
        raise LiteralError(f"{what} does not fit 64 bits")
    return value


def _finite(value: float) -> float:
    if math.isinf(value):
        raise LiteralError("number is too large")
    return value


def duration(text: str) -> int:
    """Return a duration like `1h30m` in nanoseconds."""
    total, position, largest = 0, 0, None
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise LiteralError(f"bad number or duration '{text}'")
        unit = _UNITS[part[3]]
        if largest is not None and unit >= largest:
            raise LiteralError(
                "duration parts go from large to small, each unit once",
                "write 1h30m, not 30m1h",
            )
        total += _scaled(part[1], part[2] or "", unit)
        position, largest = part.end(), unit
    return _bounded(total, "duration")


def _scaled(whole: str, fraction: str, unit: int) -> int:
    value = int(whole.replace("_", "") or "0") * unit
    if not fraction:
        return value
    scaled, rest = divmod(int(fraction) * unit, int("1" + "0" * len(fraction)))
    if rest:
        raise LiteralError("duration is finer than a nanosecond")
    return value + scaled


def timestamp(text: str) -> int:
    """Return a timestamp (without its `@`) in nanoseconds since 1970, UTC."""
    found = _TIMESTAMP.match(text)
    if found is None:
        raise LiteralError(
            f"bad timestamp '@{text}'", "write @2026-03-01 or @2026-03-01T08:30:00Z"
        )
    try:
        days = date(int(found[1]), int(found[2]), int(found[3])).toordinal()
    except ValueError as error:
        raise LiteralError(f"bad timestamp '@{text}': {error}") from error
    hour, minute, second = (int(found[at] or 0) for at in (4, 5, 6))
    zone = (int(found[9] or 0), int(found[10] or 0))
    if hour > 23 or minute > 59 or second > 59 or zone[0] > 23 or zone[1] > 59:
        raise LiteralError(f"bad timestamp '@{text}': no such time of day")
    seconds = (days - _EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + second
    shift = zone[0] * 3600 + zone[1] * 60
    seconds += shift if found[8] == "-" else -shift
    value = seconds * 1_000_000_000 + int((found[7] or "").ljust(9, "0"))
    if abs(value) > INT_MAX:
        raise LiteralError(f"timestamp '@{text}' does not fit 64 bits")
    return value


def string(text: str) -> str:
    """Return the value of a string given with its quotes."""
    body = text[1:-1]
    if "\\" in body:
        body = _ESCAPE.sub(_unescaped, body)
        body = _paired(body)
    if _SURROGATE.search(body):
        raise LiteralError("text is not valid Unicode (half of a surrogate pair)")
    return body


def name(text: str) -> str:
    """Return the name in backquotes."""
    body = text[1:-1]
    if not body:
        raise LiteralError("name in backquotes is empty")
    if _SURROGATE.search(body):
        raise LiteralError("name is not valid Unicode (half of a surrogate pair)")
    return body


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in _SIMPLE_ESCAPES:
        raise LiteralError(
            f"unknown escape '\\{printable(code)}'",
            "double the backslash to write one",
        )
    return _SIMPLE_ESCAPES[code]


def _paired(text: str) -> str:
    """Join the two halves of code points that were escaped as surrogate pairs."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
