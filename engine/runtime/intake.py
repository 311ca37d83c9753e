"""Foreign values -> values of the language, within the bounds of vpl.md section 14."""

from typing import Any

from engine.errors import BadEventError, EventTooLargeError
from engine.limits import (
    MAX_EVENT_ARRAY_ITEMS,
    MAX_EVENT_DEPTH,
    MAX_EVENT_FIELDS,
    MAX_EVENT_TEXT_CHARS,
)
from engine.runtime.values import INT_MAX, INT_MIN, Duration, Timestamp

_AS_IS = frozenset((type(None), bool, Timestamp, Duration))


def clean(value: Any, depth: int = 1) -> Any:
    """Return `value` as the language holds it.

    Ints beyond 64 bits become floats, null members are dropped from maps. Raises
    `BadEventError` beyond a bound, for NaN and for values JSON does not have.
    """
    kind = value.__class__
    if kind is str:
        if len(value) > MAX_EVENT_TEXT_CHARS:
            raise EventTooLargeError(f"a text is longer than {MAX_EVENT_TEXT_CHARS}")
        return value if value.isascii() else _sound(value)
    if kind is int:
        return value if INT_MIN <= value <= INT_MAX else _as_float(value)
    if kind is float:
        if value - value != 0.0:
            raise BadEventError("a number is not finite")
        return value
    if kind is dict or kind is list:
        return _clean_container(value, depth)
    if kind in _AS_IS:
        return value
    raise BadEventError(f"a value of class {kind.__name__} is no JSON value")


def _sound(text: str) -> str:
    """Return `text`; halves of surrogate pairs, which JSON cannot carry, are refused."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadEventError("a text is not valid Unicode") from error
    return text


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise BadEventError("a number is out of range") from error


def _clean_container(value: Any, depth: int) -> Any:
    if depth >= MAX_EVENT_DEPTH:
        raise EventTooLargeError(f"values are nested deeper than {MAX_EVENT_DEPTH}")
    if value.__class__ is dict:
        return clean_map(value, depth)
    if len(value) > MAX_EVENT_ARRAY_ITEMS:
        raise EventTooLargeError(
            f"an array has more than {MAX_EVENT_ARRAY_ITEMS} elements"
        )
    return [clean(item, depth + 1) for item in value]


def clean_map(value: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return a map, or the fields of an event at depth 0, without null members."""
    if len(value) > MAX_EVENT_FIELDS:
        raise EventTooLargeError(f"an object has more than {MAX_EVENT_FIELDS} members")
    cleaned: dict[str, Any] = {}
    for key, member in value.items():
        if member is None:
            continue
        if key.__class__ is not str:
            raise BadEventError("a member name is no text")
        if not key.isascii():
            _sound(key)
        cleaned[key] = clean(member, depth + 1)
    return cleaned
