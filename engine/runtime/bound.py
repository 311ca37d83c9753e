"""Events behind the aliases of a match or a join (vpl.md 10.6 and 11)."""

from collections.abc import Iterable
from typing import Any

from engine.runtime.frame import Frame

Rows = Any  # a row, a list of rows (the latest counts), or None


def bound_field(frame: Frame, alias: str, attribute: str) -> Any:
    """Return an attribute of the row behind an alias, null if there is none."""
    row = frame.bound.get(alias)
    if row.__class__ is list:
        row = row[-1] if row else None
    return None if row is None else getattr(row, attribute)


def bound_whole(frame: Frame, alias: str) -> Any:
    """Return the event behind an alias as a map, several as an array of maps."""
    found = frame.bound.get(alias)
    if found.__class__ is list:
        return row_maps(found)
    return None if found is None else found.m


def row_maps(rows: Iterable[Any] | None) -> list[Any] | None:
    """Return the events of a repeated step as maps."""
    return None if rows is None else [row.m for row in rows]


def match_map(
    extras: dict[str, Any], parts: tuple[tuple[str, Rows], ...]
) -> dict[str, Any]:
    """Return a match as a map: each field of each part as `alias_field`."""
    found = {name: value for name, value in extras.items() if value is not None}
    for alias, rows in parts:
        row = rows
        if rows.__class__ is list:
            row = rows[-1] if rows else None
        if row is not None:
            for name, value in row.m.items():
                found[f"{alias}_{name}"] = value
    return found


def join_map(
    extras: dict[str, Any], parts: tuple[tuple[str, Rows], ...]
) -> dict[str, Any]:
    """Return a joined event as a map: one map per part, then all plain fields."""
    found = {name: value for name, value in extras.items() if value is not None}
    for alias, row in parts:
        if row is not None:
            found[alias] = row.m
    for _, row in parts:
        for name, value in {} if row is None else row.m.items():
            found.setdefault(name, value)
    return found
