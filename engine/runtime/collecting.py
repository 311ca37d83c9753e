"""A batch as one event (vpl.md 8.3)."""

from typing import Any

from engine.runtime.frame import Frame, too_large

Batch = list[tuple[Any, Any, Any]]


def events_of(batch: Batch, x: Frame) -> list[dict[str, Any]] | None:
    """Return the events as maps, null beyond the bound on arrays (R004)."""
    if len(batch) > x.limits.array_items:
        too_large(x, "an array")
        return None
    x.n -= len(batch)
    return [row.m for row, _, _ in batch]


def latest_of(batch: Batch) -> int:
    """Return the greatest timestamp of a batch that is not empty, in ns."""
    latest: int = max(row.ts for row, _, _ in batch)
    return latest
