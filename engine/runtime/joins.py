"""What the sources of a join keep (vpl.md section 11)."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.keys import as_key, thawed
from engine.runtime.state import Codec
from engine.runtime.stream_clock import NEVER

_UNBOUND: Final = Limits()


class JoinBuffer:
    """The events of one source by key, in order of arrival.

    Rows have their timestamp in `ts` (ns). The horizon is the timestamp of the oldest
    event that still counts. Keys stand in the order of their last event, so that what
    is too old goes from the front; memory follows the events of the last window.
    `arity` is the number of values in a key, `count` the size of a count window.
    """

    __slots__ = ("_bound", "_count", "_frame", "_keys", "_oldest", "arity", "rows")

    def __init__(self, arity: int, count: int | None) -> None:
        self.arity = arity
        self.rows: OrderedDict[Hashable, list[Any]] = OrderedDict()
        self._count = count
        self._oldest = NEVER
        self._frame: Frame | None = None
        self._take(_UNBOUND)

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds."""
        self._frame = frame
        self._take(limits)

    def _take(self, limits: Limits) -> None:
        bound = limits.join_events_per_key
        self._bound = bound if self._count is None else min(bound, self._count)
        self._keys = limits.partitions

    def keep(self, key: Hashable, row: Any, horizon: int) -> None:
        """Add an event; those before the horizon go, it too if it is one."""
        if row.ts < horizon:
            return
        rows = self.rows
        found = rows.get(key)
        if found is None:
            rows[key] = [row]
            if len(rows) > self._keys:
                rows.popitem(last=False)
                self._drop("join_keys")
        else:
            rows.move_to_end(key)
            found.append(row)
            if found[0].ts < horizon:
                del found[0]
                if found[0].ts < horizon:
                    self._trim(found, horizon)
            if len(found) > self._bound:
                self._cut(found)
        if horizon > self._oldest:
            self._sweep(horizon)

    def latest(self, key: Hashable, horizon: int) -> Any:
        """Return the event that came last of those not before the horizon, or None."""
        found = self.rows.get(key)
        if found is None:
            return None
        row = found[-1]
        if row.ts >= horizon:
            return row
        return next((row for row in reversed(found) if row.ts >= horizon), None)

    def _trim(self, found: list[Any], horizon: int) -> None:
        """Drop the first events of one key that are before the horizon."""
        gone = 1
        while found[gone].ts < horizon:  # the last one is not
            gone += 1
        del found[:gone]

    def _cut(self, found: list[Any]) -> None:
        """Keep as many events of one key as there may be."""
        excess = len(found) - self._bound
        del found[:excess]
        if self._count is None or self._bound < self._count:
            self._drop("join", excess)

    def _sweep(self, horizon: int) -> None:
        """Drop keys whose last event is before the horizon."""
        rows = self.rows
        while rows:
            key = next(iter(rows))
            found = rows[key]
            newest = found[-1].ts
            if newest < horizon and len(found) > 1:  # they may come out of order
                newest = max(row.ts for row in found)
            if newest >= horizon:
                self._oldest = newest
                return
            del rows[key]
        self._oldest = NEVER

    def _drop(self, kind: str, amount: int = 1) -> None:
        if self._frame is not None:
            self._frame.drop(kind, amount)

    def snapshot(self, codec: Codec) -> Any:
        """Return the events by key, in order."""
        return [
            [codec.to_data(self._value(key)), codec.to_data(rows)]
            for key, rows in self.rows.items()
        ]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._oldest = NEVER
        self.rows = OrderedDict(
            (self._key(codec.from_data(value)), codec.from_data(rows))
            for value, rows in data
        )

    def _value(self, key: Any) -> Any:
        """Return the value of a key, a list for any number of values but one."""
        return thawed(key) if self.arity == 1 else [thawed(part) for part in key]

    def _key(self, value: Any) -> Hashable:
        return as_key(value) if self.arity == 1 else tuple(map(as_key, value))
