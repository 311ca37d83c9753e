"""Texts of instants and durations (vpl.md sections 1, 5 and 12.1)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from engine.runtime.values import INT_MAX, INT_MIN, NS_PER_S

NS_PER_MS: Final = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_USUAL_LENGTHS = frozenset((20, 24, 27))  # no fraction, milliseconds, microseconds
_AFTER_SECONDS = frozenset("Z.")
_LONGEST_DURATION: Final = 100  # characters
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
    r"([Zz]|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
UNITS_NS: Final[dict[str, int]] = {
    "d": 86_400 * NS_PER_S,
    "h": 3_600 * NS_PER_S,
    "m": 60 * NS_PER_S,
    "s": NS_PER_S,
    "ms": NS_PER_MS,
    "us": 1_000,
    "ns": 1,
}
_ISO_UNITS_NS = tuple(seconds * NS_PER_S for seconds in (604_800, 86_400, 3_600, 60, 1))
_UNIT_NAMES = {**UNITS_NS, "min": UNITS_NS["m"]}
_ISO_NUMBER = r"(\d+(?:[.,]\d+)?)"
_ISO_DURATION = re.compile(
    rf"([+-])?P(?=[\dT])(?:{_ISO_NUMBER}W)?(?:{_ISO_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_ISO_NUMBER}H)?(?:{_ISO_NUMBER}M)?(?:{_ISO_NUMBER}S)?)?",
    re.ASCII,
)
_PART = re.compile(r"(?=\.?\d)(\d*)(?:\.(\d+))?(ns|us|ms|min|s|m|h|d)", re.ASCII)


def parse_instant(text: str, *, needs_offset: bool = False) -> int | None:
    """Return ISO 8601 text as nanoseconds since 1970 UTC, None if it is none.

    Without an offset it is UTC, unless `needs_offset` refuses that.
    """
    found = _ISO.fullmatch(text)
    if found is None or (needs_offset and found[8] is None):
        return None
    try:
        return _instant_ns(found)
    except (ValueError, OverflowError):
        return None


def _instant_ns(found: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second = (
        int(part or 0) for part in found.groups()[:6]
    )
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    since = moment - _EPOCH - _offset(found[8] or "Z")
    fraction = int((found[7] or "0").ljust(9, "0"))
    return in_range((since.days * 86_400 + since.seconds) * NS_PER_S + fraction)


def _offset(text: str) -> timedelta:
    if text in {"Z", "z"}:
        return timedelta()
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def in_range(ns: int) -> int | None:
    """Return `ns` if it fits 64 bits."""
    return ns if INT_MIN <= ns <= INT_MAX else None


@dataclass(frozen=True, slots=True)
class EnvelopeForm:
    """The form of a timestamp text: digits of the fraction, and the offset from UTC."""

    fraction: int
    offset_ns: int


def envelope_form(text: str) -> EnvelopeForm | None:
    """Return the form of a full ISO 8601 text with seconds and offset, or None.

    Date and time stand at fixed places, a fraction from place 20 on.
    """
    found = _ISO.fullmatch(text)
    if found is None or found[6] is None or found[8] is None:
        return None
    if found[8] not in {"Z", "z"} and len(found[8]) != len("+00:00"):
        return None
    fraction = max(0, len(text) - len(found[8]) - 20)
    return EnvelopeForm(fraction, _offset(found[8]) // _MICROSECOND * 1_000)


def envelope_ns(value: Any) -> int | None:
    """Return an envelope's timestamp: ISO 8601 with offset or int epoch ms."""
    if value.__class__ is str:
        if len(value) in _USUAL_LENGTHS and value[19:20] in _AFTER_SECONDS:
            usual = _usual_ns(value)
            if usual is not None:
                return usual
        return parse_instant(value, needs_offset=True)
    if value.__class__ is int:
        return in_range(value * NS_PER_MS)
    return None


def _usual_ns(text: str) -> int | None:
    """Return an instant written as `2026-03-01T08:30:00[.123[456]]Z`, else None.

    Events that follow each other are mostly of one second, which is worked out once.
    """
    second = _second_ns(text[:19])
    if second is None or text[-1] != "Z":
        return None
    fraction = text[20:-1]
    if not fraction:
        return second
    if text[19] != "." or not (fraction.isascii() and fraction.isdigit()):
        return None
    return second + int(fraction) * (NS_PER_MS if len(fraction) == 3 else 1_000)


@lru_cache(maxsize=64)
def _second_ns(text: str) -> int | None:
    """Return the second written as `2026-03-01T08:30:00`, None if it may be none.

    The library reads that much faster than we do, but also other forms; so separators
    are looked at here, and the rest has to be digits.
    """
    marks = text[4] + text[7] + text[10] + text[13] + text[16]
    if marks != "--T::" or text[11:13] == "24":
        return None
    try:
        since = datetime.fromisoformat(f"{text}Z") - _EPOCH
    except ValueError:
        return None
    seconds = since.days * 86_400 + since.seconds
    is_far = abs(seconds) >= INT_MAX // NS_PER_S
    return None if is_far else seconds * NS_PER_S


def parse_duration(text: str) -> int | None:
    """Return a VPL duration such as `1h30m` in nanoseconds, None if it is none."""
    if len(text) > _LONGEST_DURATION:
        return None
    is_negative = text.startswith("-")
    rest, total, last = text.removeprefix("-"), 0, INT_MAX
    at = 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None or _UNIT_NAMES[found[3]] >= last:
            return None
        last = _UNIT_NAMES[found[3]]
        fraction = found[2] or ""
        total += int(found[1] + fraction) * last // 10 ** len(fraction)
        at = found.end()
    return in_range(-total if is_negative else total) if rest else None


def any_duration(text: str) -> int | None:
    """Return a VPL or ISO 8601 duration in nanoseconds, None if it is none."""
    found = _ISO_DURATION.fullmatch(text)
    if found is None or len(text) > _LONGEST_DURATION:
        return parse_duration(text)
    total = 0
    for unit, part in zip(_ISO_UNITS_NS, found.groups()[1:], strict=True):
        whole, _, fraction = (part or "0").replace(",", ".").partition(".")
        total += int(whole + fraction) * unit // 10 ** len(fraction)
    return in_range(-total if found[1] == "-" else total)


def duration_text(ns: int) -> str:
    """Return a duration like `1d2h`, `1s500ms` or `0s`."""
    rest, parts = abs(ns), []
    for unit, size in UNITS_NS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if ns < 0 else "") + ("".join(parts) or "0s")


def utc_datetime(ns: int) -> datetime:
    """Return an instant as a datetime, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1_000)
