"""Builtins on maps; `get` and `set` also take arrays."""

from typing import Any

from engine.builtins.arrays import replace_at
from engine.runtime.access import index, stored
from engine.runtime.frame import Frame, too_large

Value = Any


def keys(x: Frame, mapping: Value) -> Value:
    """Return the keys in order."""
    return list(mapping) if mapping.__class__ is dict else x.count("kind")


def values(x: Frame, mapping: Value) -> Value:
    """Return the values in order of the keys."""
    return list(mapping.values()) if mapping.__class__ is dict else x.count("kind")


def get(x: Frame, container: Value, at: Value, default: Value = None) -> Value:
    """Return an element or member, else the default."""
    if container.__class__ is not dict and container.__class__ is not list:
        return x.count("kind")
    found = index(container, at, x)
    return default if found is None else found


def replace_member(x: Frame, container: Value, at: Value, value: Value) -> Value:
    """Return an array or map with one member replaced or added."""
    if container.__class__ is list:
        return replace_at(x, container, at, value)
    if container.__class__ is not dict or at.__class__ is not str:
        return x.count("kind")
    if len(container) >= x.limits.array_items and at not in container:
        return too_large(x, "a map")
    kept = stored(value, x)
    changed = {**container, at: kept}
    if kept is None:
        del changed[at]
    return changed


def merge(x: Frame, left: Value, right: Value) -> Value:
    """Return the members of both maps; the right one wins."""
    if left.__class__ is not dict or right.__class__ is not dict:
        return x.count("kind")
    if len(left) + len(right) > x.limits.array_items:
        return too_large(x, "a map")
    return {**left, **right}
