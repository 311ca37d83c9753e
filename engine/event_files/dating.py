"""The time of events that do not say theirs (vpl.md 12.1 and 17.1)."""

from typing import Any

from engine.event import Event
from engine.event_files.options import TIME_UNITS, ReadOptions
from engine.runtime.times import NS_PER_MS, in_range, parse_instant


class Dating:
    """Dates one event after the other.

    The envelope comes first, then the time field, then one millisecond after the event
    before; the first event is at the start.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._field = options.time_field
        self._unit_ns = TIME_UNITS[options.time_unit]
        self.previous_ns = options.start_ns - NS_PER_MS

    def date(self, event: Event) -> None:
        """Set the timestamp of `event`; raises ValueError for a bad time field."""
        stamp = event.timestamp
        if stamp is None and self._field is not None:
            stamp = self._read(event.fields.get(self._field))
        if stamp is None:
            stamp = self.previous_ns + NS_PER_MS
        if in_range(stamp) is None:
            raise ValueError("the time of the event is too far away")
        event.timestamp = self.previous_ns = stamp

    def _read(self, value: Any) -> int | None:
        if value is None:
            return None
        if value.__class__ is int:
            return int(value) * self._unit_ns
        if value.__class__ is float:
            return round(value * self._unit_ns)
        stamp = parse_instant(value) if value.__class__ is str else None
        if stamp is None:
            raise ValueError(
                f"field '{self._field}' is no time: {value!r}; "
                "ISO 8601 text or a number is one"
            )
        return stamp
