"""Keys of partitions, joins, `distinct` and groups (vpl.md 3 and 9.2).

Two values are one key exactly when they are equal in VPL: `1` and `1.0` are, `true` and
`1` are not; null is a key, arrays and maps are compared as a whole. Of equal values of
different kinds whoever keeps keys shows the one it saw first.
"""

from collections.abc import Hashable
from typing import Any

from engine.runtime.operators import frozen


def as_key(value: Any) -> Hashable:
    """Return what stands for `value` in a dict: hashable, equal where VPL says equal.

    `value` is one that may be stored in an event (`Expressions.sent`), so it is of
    bounded size and no NaN. Texts stand for themselves: generated code asks for their
    class first and calls this for all other kinds.
    """
    key: Hashable = frozen(value)
    return key


def as_keys(values: tuple[Any, ...]) -> tuple[Hashable, ...]:
    """Return the key of several values together."""
    return tuple(map(frozen, values))


def thawed(key: Any) -> Any:
    """Return a value that `as_key` gives `key` for; the inverse of `as_key`."""
    if key.__class__ is tuple:
        kind, *items = key
        return items[0] if kind == "bool" else [thawed(item) for item in items]
    if key.__class__ is frozenset:
        return {name: thawed(member) for name, member in key}
    return key
