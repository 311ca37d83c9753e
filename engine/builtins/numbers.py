"""Builtins on numbers."""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from engine.builtins.ordering import extreme
from engine.runtime.frame import Frame
from engine.runtime.operators import checked, is_number, negate, power
from engine.runtime.values import Duration

Value = Any
MAX_DIGITS = 300


def absolute(x: Frame, n: Value) -> Value:
    """Return |n| of a number or duration."""
    if is_number(n):
        return checked(abs(n), x) if n.__class__ is int else abs(n)
    if n.__class__ is Duration:
        return negate(n, x) if n.ns < 0 else n
    return x.count("kind")


def float_function(apply: Callable[..., float]) -> Callable[..., Value]:
    """Return a builtin on numbers from a function of `math`."""

    def call(x: Frame, *args: Value) -> Value:
        if not all(map(is_number, args)):
            return x.count("kind")
        try:
            return apply(*args)
        except ValueError:
            return x.count("argument")
        except OverflowError:
            return x.count("overflow")

    call.__name__ = apply.__name__
    return call


def _whole(x: Frame, n: Value, apply: Callable[[float], int]) -> Value:
    if n.__class__ is int:
        return n
    if n.__class__ is not float:
        return x.count("kind")
    return checked(apply(n), x) if math.isfinite(n) else x.count("argument")


def floor(x: Frame, n: Value) -> Value:
    """Return the greatest int not above n."""
    return _whole(x, n, math.floor)


def ceil(x: Frame, n: Value) -> Value:
    """Return the least int not below n."""
    return _whole(x, n, math.ceil)


def _half_away(n: float) -> int:
    low = math.floor(abs(n))
    whole = low + 1 if abs(n) - low >= 0.5 else low
    return -whole if n < 0 else whole


def round_number(x: Frame, n: Value, digits: Value = None) -> Value:
    """Return n rounded, halves away from zero: an int, with digits a float."""
    if digits is None:
        return _whole(x, n, _half_away)
    if not is_number(n) or digits.__class__ is not int:
        return x.count("kind")
    if not math.isfinite(n) or abs(digits) > MAX_DIGITS:
        return x.count("argument")
    try:
        step = Decimal(1).scaleb(-digits)
        return float(Decimal(repr(n)).quantize(step, ROUND_HALF_UP))
    except InvalidOperation:  # more digits than a float has: nothing to round
        return float(n)


def pow_number(x: Frame, a: Value, b: Value) -> Value:
    """Return `a ** b`."""
    return power(a, b, x)


def least(x: Frame, *args: Value) -> Value:
    """Return the least of numbers, or of the elements of one array."""
    return _chosen(x, args, is_greatest=False)


def greatest(x: Frame, *args: Value) -> Value:
    """Return the greatest of numbers, or of the elements of one array."""
    return _chosen(x, args, is_greatest=True)


def _chosen(x: Frame, args: tuple[Value, ...], *, is_greatest: bool) -> Value:
    if len(args) == 1 and args[0].__class__ is list:
        return extreme(args[0], x, is_greatest=is_greatest)
    if not all(map(is_number, args)):
        return x.count("kind")
    found = max(args) if is_greatest else min(args)
    return found if all(arg.__class__ is int for arg in args) else float(found)


def clamp(x: Frame, n: Value, low: Value, high: Value) -> Value:
    """Return n, or the bound it exceeds."""
    if not (is_number(n) and is_number(low) and is_number(high)):
        return x.count("kind")
    if low > high:
        return x.count("argument")
    return low if n < low else min(n, high)


def sign(x: Frame, n: Value) -> Value:
    """Return -1, 0 or 1."""
    return (n > 0) - (n < 0) if is_number(n) else x.count("kind")
