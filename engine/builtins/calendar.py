"""Builtins on instants and durations; calendar fields are UTC."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.runtime.frame import Frame
from engine.runtime.times import NS_PER_MS, in_range, utc_datetime
from engine.runtime.values import NS_PER_S, Duration, Timestamp

Value = Any
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_KNOWN_DIRECTIVES = frozenset("YmdHMSfjaAbBypIZz%")
MAX_PATTERN_CHARS = 200


def now(x: Frame) -> Value:
    """Return the present instant."""
    return Timestamp(x.clock.now_ns())


def calendar_field(read: Callable[[datetime], int]) -> Callable[[Frame, Value], Value]:
    """Return a builtin that reads one calendar field of an instant."""

    def call(x: Frame, instant: Value) -> Value:
        if instant.__class__ is not Timestamp:
            return x.count("kind")
        return read(utc_datetime(instant.ns))

    return call


def epoch_ms(x: Frame, instant: Value) -> Value:
    """Return the whole milliseconds since 1970."""
    return (
        instant.ns // NS_PER_MS if instant.__class__ is Timestamp else x.count("kind")
    )


def truncate_time(x: Frame, instant: Value, step: Value) -> Value:
    """Return the last multiple of `step` since 1970 not after the instant."""
    if instant.__class__ is not Timestamp or step.__class__ is not Duration:
        return x.count("kind")
    if step.ns <= 0:
        return x.count("argument")
    ns = in_range(instant.ns - instant.ns % step.ns)
    return x.count("overflow") if ns is None else Timestamp(ns)


def millis(x: Frame, length: Value) -> Value:
    """Return a duration in milliseconds, as a float."""
    return length.ns / NS_PER_MS if length.__class__ is Duration else x.count("kind")


def seconds(x: Frame, length: Value) -> Value:
    """Return a duration in seconds, as a float."""
    return length.ns / NS_PER_S if length.__class__ is Duration else x.count("kind")


def format_time(x: Frame, instant: Value, pattern: Value) -> Value:
    """Return an instant by a pattern of `strftime` directives."""
    if instant.__class__ is not Timestamp or pattern.__class__ is not str:
        return x.count("kind")
    directives = set(_DIRECTIVE.findall(pattern))
    if not directives <= _KNOWN_DIRECTIVES or len(pattern) > MAX_PATTERN_CHARS:
        return x.count("argument")
    return utc_datetime(instant.ns).strftime(pattern)
