"""Members, indexes, slices, ranges and conditions for values of any kind."""

import math
from typing import Any, Final

from engine.runtime.frame import Frame, tick, too_large
from engine.runtime.operators import CHARS_PER_COPY, ITEMS_PER_COPY, kind_error
from engine.runtime.values import Function
from engine.runtime.weight import is_bounded

Value = Any
NO_BOUND: Final = object()  # a slice without start or stop


def member(value: Value, name: str, x: Frame) -> Value:
    """Return `value.name`; a kind without members is counted."""
    if value.__class__ is dict:
        return value.get(name)
    return None if value is None else x.count("kind")


def safe_member(value: Value, name: str) -> Value:
    """Return `value?.name`."""
    return value.get(name) if value.__class__ is dict else None


def dotted(field: Value, shared: Value, joined: Value, name: str, x: Frame) -> Value:
    """Return `a.name` (vpl.md 4.3), counting a value that has no members.

    `field` is the field `a`, `shared` the global `a`, `joined` the field `a_name`.
    """
    found = safe_dotted(field, shared, joined, name)
    if found is None and not (field.__class__ is dict or shared.__class__ is dict):
        return kind_error(field, field, x) or kind_error(shared, shared, x)
    return found


def safe_dotted(field: Value, shared: Value, joined: Value, name: str) -> Value:
    """Return `a?.name`: of the first map, else the joined field."""
    if field.__class__ is dict:
        return field.get(name)
    if shared.__class__ is dict:
        return shared.get(name)
    return joined


def index(value: Value, at: Value, x: Frame) -> Value:
    """Return `value[at]`; out of range and unknown keys are null."""
    kind = value.__class__
    if kind is list or kind is str:
        if at.__class__ is int:
            return value[at] if -len(value) <= at < len(value) else None
    elif kind is dict and at.__class__ is str:
        return value.get(at)
    return kind_error(value, at, x)


def part(value: Value, start: Value, stop: Value, x: Frame) -> Value:
    """Return `value[start:stop]`; bounds clamp."""
    if value is None or start is None or stop is None:
        return None
    if value.__class__ is not list and value.__class__ is not str:
        return x.count("kind")
    bounds = [None if bound is NO_BOUND else bound for bound in (start, stop)]
    if any(bound is not None and bound.__class__ is not int for bound in bounds):
        return x.count("kind")
    found = value[bounds[0] : bounds[1]]
    is_text = value.__class__ is str
    x.n -= len(found) // (CHARS_PER_COPY if is_text else ITEMS_PER_COPY)
    return found


def int_range(start: Value, stop: Value, inclusive: bool, x: Frame) -> range | None:
    """Return the ints of `start..stop` unbuilt; null for other kinds."""
    if start.__class__ is not int or stop.__class__ is not int:
        kind_error(start, stop, x)
        return None
    return range(start, stop + 1 if inclusive else stop)


def range_array(start: Value, stop: Value, inclusive: bool, x: Frame) -> Value:
    """Return the array of `start..stop`, within the bound on arrays."""
    ints = int_range(start, stop, inclusive, x)
    if ints is None:
        return None
    if _range_length(ints) > x.limits.array_items:
        return too_large(x, "a range")
    x.n -= len(ints)
    return list(ints)


def _range_length(ints: range) -> int:
    """Return the length; `len` overflows for ranges over the whole of 64 bits."""
    return max(0, ints.stop - ints.start)


def items(value: Value, x: Frame) -> Any:
    """Return what `for v in value` runs over."""
    kind = value.__class__
    if kind is list or kind is str or kind is range:
        return value
    if kind is int:
        return range(value)
    if kind is dict:
        x.n -= len(value)
        return [[key, member] for key, member in value.items()]
    if value is not None:
        x.count("kind")
    return ()


def pairs(value: Value, x: Frame) -> Any:
    """Return what `for k, v in value` runs over: the members of a map.

    Elements that are arrays of two spread over the two variables.
    """
    kind = value.__class__
    if kind is dict:
        return value.items()
    if kind is list:
        x.n -= len(value)
        return [item for item in value if _is_pair(item, x)]
    if value is not None:
        x.count("kind")
    return ()


def _is_pair(item: Value, x: Frame) -> bool:
    if item.__class__ is list and len(item) == 2:
        return True
    x.count("kind")
    return False


def holds(value: Value, x: Frame) -> bool:
    """Tell whether a condition holds: only `true` does (vpl.md section 3)."""
    if value is True:
        return True
    if value is not False and value is not None:
        x.count("kind")
    return False


def logical(value: Value, x: Frame) -> bool | None:
    """Return an operand of and, or, not; other kinds are counted and null."""
    if value is True or value is False or value is None:
        return value
    x.count("kind")
    return None


def finite(value: float, x: Frame) -> float | None:
    """Return a float that may be stored; infinities and NaN become null."""
    if math.isfinite(value):
        return value
    x.count("overflow")
    return None


def sent(value: Value, x: Frame) -> Value:
    """Return a value as an event holds it: like `stored`, and of bounded size."""
    kind = value.__class__
    if kind is list or kind is dict:
        return value if is_bounded(value, x) else None
    return stored(value, x)


def stored(value: Value, x: Frame) -> Value:
    """Return a value as it is stored in a global or a container."""
    kind = value.__class__
    if kind is float:
        return finite(value, x)
    if kind is Function:
        x.count("kind")
        return None
    if kind is range:
        return list(value)
    return value


def held(value: Value, x: Frame) -> Value:
    """Return a value as a global holds it: like `stored`, but lambdas may stay."""
    return value if value.__class__ is Function else stored(value, x)


def new_array(values: list[Value], x: Frame) -> list[Value]:
    """Return an array literal; its values become storable."""
    return [stored(value, x) for value in values]


def new_map(keys: tuple[str, ...], values: tuple[Value, ...], x: Frame) -> Value:
    """Return a map literal; null members are left out."""
    made: dict[str, Value] = {}
    for key, value in zip(keys, values, strict=True):
        kept = stored(value, x)
        if kept is not None:
            made[key] = kept
    return made


def call_value(function: Value, x: Frame, depth: int, args: tuple[Value, ...]) -> Value:
    """Call a value that should be a lambda."""
    if function.__class__ is not Function:
        return None if function is None else x.count("kind")
    if function.arity != len(args):
        return x.count("argument")
    x.n -= 1
    if x.n < 0:
        tick(x)
    return function.call(x, depth, *args)
