"""Builtins that change or name the kind of a value."""

import math
import re
from typing import Any

import msgspec

from engine.encoding import encode
from engine.errors import BadEventError
from engine.runtime.display import display
from engine.runtime.frame import Frame, bounded
from engine.runtime.intake import clean
from engine.runtime.operators import checked
from engine.runtime.times import in_range, parse_duration, parse_instant
from engine.runtime.values import KIND_NAMES, NS_PER_S, Duration, Timestamp
from engine.runtime.weight import is_bounded

Value = Any
_INT = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NS_PER_MS = NS_PER_S // 1000


def to_string(x: Frame, value: Value) -> Value:
    """Return the display text."""
    return bounded(display(value), x) if is_bounded(value, x) else None


def to_int(x: Frame, value: Value) -> Value:
    """Return an int; floats truncate, text is parsed strictly."""
    kind = value.__class__
    if kind is int or kind is bool:
        return int(value)
    if kind is float:
        if not math.isfinite(value):
            return x.count("conversion")
        return checked(math.trunc(value), x)
    if kind is str:
        if _INT.fullmatch(value) is None:
            return x.count("conversion")
        return checked(int(value), x)
    return x.count("conversion")


def to_float(x: Frame, value: Value) -> Value:
    """Return a float; text is parsed strictly."""
    kind = value.__class__
    if kind is float or kind is int or kind is bool:
        return float(value)
    if kind is str and _FLOAT.fullmatch(value) is not None:
        return float(value)
    return x.count("conversion")


def to_timestamp(x: Frame, value: Value) -> Value:
    """Return the instant of ISO text or of epoch milliseconds."""
    kind = value.__class__
    if kind is Timestamp:
        return value
    ns = None
    if kind is str:
        ns = parse_instant(value)
    elif kind is int:
        ns = in_range(value * NS_PER_MS)
    return x.count("conversion") if ns is None else Timestamp(ns)


def to_duration(x: Frame, value: Value) -> Value:
    """Return the duration of VPL text or of milliseconds."""
    kind = value.__class__
    if kind is Duration:
        return value
    ns = None
    if kind is str:
        ns = parse_duration(value)
    elif kind is int or (kind is float and math.isfinite(value)):
        ns = in_range(int(value * NS_PER_MS))
    return x.count("conversion") if ns is None else Duration(ns)


def parse_json(x: Frame, text: Value) -> Value:
    """Return the value of a JSON text, within the bounds of events."""
    if text.__class__ is not str:
        return x.count("kind")
    try:
        return clean(msgspec.json.decode(text.encode()))
    except (msgspec.DecodeError, BadEventError, RecursionError):
        return x.count("conversion")


def to_json(x: Frame, value: Value) -> Value:
    """Return a value as JSON text."""
    if not is_bounded(value, x):
        return None
    try:
        return bounded(encode(value).decode(), x)
    except TypeError:  # a lambda
        return x.count("kind")


def type_of(x: Frame, value: Value) -> Value:
    """Return the name of a value's kind."""
    return KIND_NAMES[value.__class__]
