"""Values that become the fields of events (vpl.md 8.3, `map` and `pattern`)."""

from typing import Any

from engine.runtime.access import call_value, sent
from engine.runtime.frame import Frame
from engine.runtime.values import Function


def apply_to_event(value: Any, event: Any, x: Frame) -> Any:
    """Return `value`, or what it gives for the event if it is a lambda."""
    if value.__class__ is Function:
        return call_value(value, x, 1, (event,))
    return value


def as_fields(value: Any, x: Frame) -> dict[str, Any] | None:
    """Return the fields a value stands for: a map, or a field `value`; null is None."""
    value = sent(value, x)
    if value is None or value.__class__ is dict:
        return value
    return {"value": value}


def events_as_maps(batch: list[tuple[Any, str, Any]]) -> list[dict[str, Any]]:
    """Return the events of a batch as maps with their type."""
    return [{"event_type": event_type, **row.m} for row, event_type, _ in batch]
