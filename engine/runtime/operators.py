"""The operators of vpl.md 4.2 for operands of any kind.

Generated code handles the usual kinds inline and calls these for all others. Every
function gives null for a null operand, counts a kind error for operands it has no
meaning for, and never raises.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from engine.runtime.frame import Frame, paying, too_large
from engine.runtime.values import INT_MAX, INT_MIN, Duration, Function, Timestamp
from engine.runtime.weight import CHARS_PER_UNIT, is_bounded

Value = Any
MAX_SHIFT: Final = 63
CHARS_PER_COPY: Final = 1024  # copied in the time of one turn of a loop
ITEMS_PER_COPY: Final = 16
MAX_EXACT_POWER: Final = 64  # a base beyond 1 overflows 64 bits at this exponent


def checked(value: int, x: Frame) -> int | None:
    """Return `value` if it fits 64 bits, else count an overflow."""
    if INT_MIN <= value <= INT_MAX:
        return value
    x.count("overflow")
    return None


def kind_error(a: Value, b: Value, x: Frame) -> Value:
    """Return null and count operands of the wrong kinds; null is no error."""
    if a is not None and b is not None:
        x.count("kind")
    return None


def is_number(value: Value) -> bool:
    """Tell whether `value` is an int or a float; bools are neither."""
    return value.__class__ is int or value.__class__ is float


def _instant(ns: int, x: Frame) -> Timestamp | None:
    exact = checked(ns, x)
    return None if exact is None else Timestamp(exact)


def _length(ns: int, x: Frame) -> Duration | None:
    exact = checked(ns, x)
    return None if exact is None else Duration(exact)


def add(a: Value, b: Value, x: Frame) -> Value:
    """Return `a + b`."""
    ka, kb = a.__class__, b.__class__
    if ka is int and kb is int:
        return checked(a + b, x)
    if is_number(a) and is_number(b):
        return a + b
    if ka is kb:
        return _add_alike(a, b, x)
    if ka is Timestamp and kb is Duration:
        return _instant(a.ns + b.ns, x)
    if ka is Duration and kb is Timestamp:
        return _instant(a.ns + b.ns, x)
    return kind_error(a, b, x)


def _add_alike(a: Value, b: Value, x: Frame) -> Value:
    kind = a.__class__
    if kind is str:
        if len(a) + len(b) > x.limits.text_chars:
            return too_large(x, "a text")
        x.n -= (len(a) + len(b)) // CHARS_PER_COPY
        return a + b
    if kind is list:
        if len(a) + len(b) > x.limits.array_items:
            return too_large(x, "an array")
        x.n -= (len(a) + len(b)) // ITEMS_PER_COPY
        return a + b
    if kind is Duration:
        return _length(a.ns + b.ns, x)
    return kind_error(a, b, x)


def subtract(a: Value, b: Value, x: Frame) -> Value:
    """Return `a - b`."""
    ka, kb = a.__class__, b.__class__
    if ka is int and kb is int:
        return checked(a - b, x)
    if is_number(a) and is_number(b):
        return a - b
    if ka is Timestamp and kb is Duration:
        return _instant(a.ns - b.ns, x)
    if ka is kb and (ka is Timestamp or ka is Duration):
        return _length(a.ns - b.ns, x)
    return kind_error(a, b, x)


def multiply(a: Value, b: Value, x: Frame) -> Value:
    """Return `a * b`."""
    if a.__class__ is int and b.__class__ is int:
        return checked(a * b, x)
    if is_number(a) and is_number(b):
        return a * b
    if a.__class__ is Duration and is_number(b):
        return _scaled(a.ns * b, x)
    if b.__class__ is Duration and is_number(a):
        return _scaled(b.ns * a, x)
    return kind_error(a, b, x)


def _scaled(ns: int | float, x: Frame) -> Duration | None:
    if ns.__class__ is float and not math.isfinite(ns):
        x.count("overflow")
        return None
    return _length(int(ns), x)


def divide(a: Value, b: Value, x: Frame) -> Value:
    """Return `a / b`; ints truncate toward zero."""
    ka, kb = a.__class__, b.__class__
    if is_number(b) and b == 0 and (is_number(a) or ka is Duration):
        return x.count("zero_division")
    if ka is int and kb is int:
        quotient = abs(a) // abs(b)
        return checked(quotient if (a < 0) is (b < 0) else -quotient, x)
    if is_number(a) and is_number(b):
        return a / b
    if ka is Duration and kb is Duration:
        return a.ns / b.ns if b.ns else x.count("zero_division")
    if ka is Duration and kb is int:
        return divide_duration(a, b, x)
    if ka is Duration and kb is float:
        return _scaled(a.ns / b, x)
    return kind_error(a, b, x)


def divide_duration(a: Duration, b: int, x: Frame) -> Duration | None:
    """Return a duration divided by an int, exactly, toward zero."""
    quotient = abs(a.ns) // abs(b)
    return _length(quotient if (a.ns < 0) is (b < 0) else -quotient, x)


def modulo(a: Value, b: Value, x: Frame) -> Value:
    """Return the remainder of `a / b`, with the sign of the dividend."""
    if not (is_number(a) and is_number(b)):
        return kind_error(a, b, x)
    if b == 0:
        return x.count("zero_division")
    if a.__class__ is int and b.__class__ is int:
        rest = abs(a) % abs(b)
        return -rest if a < 0 else rest
    return math.fmod(a, b) if math.isfinite(a) else math.nan


def power(a: Value, b: Value, x: Frame) -> Value:
    """Return `a ** b`: an int for ints with b >= 0, else a float."""
    if not (is_number(a) and is_number(b)):
        return kind_error(a, b, x)
    if a.__class__ is int and b.__class__ is int and b >= 0:
        if b >= MAX_EXACT_POWER and abs(a) > 1:
            return x.count("overflow")
        return checked(a**b, x)
    if a == 0 and b < 0:
        return x.count("zero_division")
    return _float_power(float(a), float(b))


def _float_power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        is_odd = b.is_integer() and b % 2 == 1
        return -math.inf if a < 0 and is_odd else math.inf
    except ValueError:  # a negative base with a fractional exponent
        return math.nan


def negate(a: Value, x: Frame) -> Value:
    """Return `-a`."""
    kind = a.__class__
    if kind is int:
        return checked(-a, x)
    if kind is float:
        return -a
    if kind is Duration:
        return _length(-a.ns, x)
    return kind_error(a, a, x)


def invert(a: Value, x: Frame) -> Value:
    """Return `~a`."""
    return ~a if a.__class__ is int else kind_error(a, a, x)


def _bitwise(
    apply: Callable[[int, int], int],
) -> Callable[[Value, Value, Frame], Value]:
    def operate(a: Value, b: Value, x: Frame) -> Value:
        if a.__class__ is int and b.__class__ is int:
            return apply(a, b)
        return kind_error(a, b, x)

    return operate


bit_and = _bitwise(operator.and_)
bit_or = _bitwise(operator.or_)
bit_xor = _bitwise(operator.xor)


def shift_left(a: Value, b: Value, x: Frame) -> Value:
    """Return `a << b`; bits beyond 64 are an overflow."""
    return checked(a << b, x) if _can_shift(a, b, x) else None


def shift_right(a: Value, b: Value, x: Frame) -> Value:
    """Return `a >> b`, keeping the sign."""
    return a >> b if _can_shift(a, b, x) else None


def _can_shift(a: Value, b: Value, x: Frame) -> bool:
    if a.__class__ is not int or b.__class__ is not int:
        kind_error(a, b, x)
        return False
    if not 0 <= b <= MAX_SHIFT:
        x.count("argument")
        return False
    return True


def equals(a: Value, b: Value) -> bool:
    """Tell whether two non-null values are equal; 1 == 1.0, true equals only true."""
    ka, kb = a.__class__, b.__class__
    if ka is kb:
        if ka is list:
            return len(a) == len(b) and all(map(equals_or_null, a, b))
        if ka is dict:
            return a.keys() == b.keys() and all(
                equals_or_null(value, b[key]) for key, value in a.items()
            )
        return bool(a == b)
    if ka is bool or kb is bool:
        return False
    return bool(a == b)


def equals_or_null(a: Value, b: Value) -> bool:
    """Tell whether two elements are equal; null equals null inside a container."""
    if a is None or b is None:
        return a is b
    return equals(a, b)


def frozen(value: Value) -> Any:
    """Return a hashable stand-in: equal for values that are equal in VPL."""
    kind = value.__class__
    if kind is bool:
        return ("bool", value)
    if kind is list:
        return ("array", *map(frozen, value))
    if kind is dict:
        return frozenset((key, frozen(member)) for key, member in value.items())
    return value


def equal(a: Value, b: Value, x: Frame) -> bool | None:
    """Return `a == b` for operands that are no literal null."""
    if a is None or b is None or not _can_compare(a, b, x):
        return None
    return equals(a, b)


def unequal(a: Value, b: Value, x: Frame) -> bool | None:
    """Return `a != b` for operands that are no literal null."""
    if a is None or b is None or not _can_compare(a, b, x):
        return None
    return not equals(a, b)


def _can_compare(a: Value, b: Value, x: Frame) -> bool:
    """Tell whether two values may be compared: no lambdas, nothing without end."""
    if a.__class__ is Function or b.__class__ is Function:
        x.count("kind")
        return False
    if a.__class__ is not b.__class__ or a is b:
        return True
    if a.__class__ is str:
        x.n -= len(a) // CHARS_PER_COPY
    return is_bounded(a, x) and is_bounded(b, x)


def _ordering(
    apply: Callable[[Any, Any], Any],
) -> Callable[[Value, Value, Frame], bool | None]:
    def compare(a: Value, b: Value, x: Frame) -> bool | None:
        if is_number(a) and is_number(b):
            return bool(apply(a, b))
        kind = a.__class__
        if kind is b.__class__:
            if kind is str:
                x.n -= len(a) // CHARS_PER_COPY
                return bool(apply(a, b))
            if kind is Timestamp or kind is Duration:
                return bool(apply(a.ns, b.ns))
        kind_error(a, b, x)
        return None

    return compare


less = _ordering(operator.lt)
less_equal = _ordering(operator.le)
greater = _ordering(operator.gt)
greater_equal = _ordering(operator.ge)


def contains(value: Value, container: Value, x: Frame) -> bool | None:
    """Return `value in container`."""
    if value is None or container is None:
        return None
    kind = container.__class__
    if kind is list:
        return _has_item(value, container, x)
    if value.__class__ is str and (kind is dict or kind is str):
        x.n -= len(container) // CHARS_PER_UNIT if kind is str else 1
        return value in container
    x.count("kind")
    return None


def _has_item(value: Value, array: list[Value], x: Frame) -> bool | None:
    x.n -= len(array)
    kind = value.__class__
    if kind is Function:
        x.count("kind")
        return None
    is_deep = kind is list or kind is dict
    if is_deep and not (is_bounded(value, x) and is_bounded(array, x)):
        return None
    return any(item is not None and equals(value, item) for item in array)


def lacks(value: Value, container: Value, x: Frame) -> bool | None:
    """Return `value not in container`."""
    found = contains(value, container, x)
    return None if found is None else not found


paid_equal = paying(equal, 2)
paid_unequal = paying(unequal, 2)
paid_contains = paying(contains, 2)
paid_lacks = paying(lacks, 2)
