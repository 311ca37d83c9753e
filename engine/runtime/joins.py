"""What the sources of a join keep (vpl.md section 11)."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.keys import as_key, thawed
from engine.runtime.state import Codec
from engine.runtime.stream_clock import StreamClock

_UNBOUND: Final = Limits()
_FEWEST: Final = 64  # keys; below that nothing is looked for


class JoinBuffer:
    """The events of one source by key, in order of arrival.

    Under a key stands its one row, or a list of rows; they have their timestamp in
    `ts` (ns). The horizon is the timestamp of the oldest event that still counts. Keys
    stand in the order of their last event. What is too old is looked for each time
    there are a quarter more keys than were left the last time (`look_at` says so to
    generated code, which adds new keys itself), so memory follows the events of the
    last window. `arity` is the number of values in a key; `count` is the size of a
    count window, `window_ns` that of a window of time, by `clock`.
    """

    __slots__ = (
        *("_bound", "_clock", "_count", "_frame", "_keys", "_window_ns"),
        *("arity", "look_at", "rows"),
    )

    def __init__(
        self,
        arity: int,
        count: int | None,
        clock: StreamClock,
        window_ns: int | None,
    ) -> None:
        self.arity = arity
        self._clock = clock
        self._window_ns = window_ns
        self.rows: dict[Hashable, Any] = {}
        self._count = count
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
        self.look_at = min(_FEWEST, self._keys)

    def add(self, key: Hashable, found: Any, row: Any, horizon: int) -> None:
        """Add an event to what is `found` under its key; those before the horizon go."""
        rows = self.rows
        del rows[key]
        if found.__class__ is not list:
            if found.ts < horizon:
                rows[key] = row
                return
            found = [found]
        rows[key] = found
        found.append(row)
        if found[0].ts < horizon:
            self._trim(found, horizon)
        if len(found) > self._bound:
            self._cut(found)

    def latest(self, key: Hashable, horizon: int) -> Any:
        """Return the event of a known key that came last of those that count, or None."""
        found = _listed(self.rows[key])
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

    def sweep(self, horizon: int) -> None:
        """Drop keys whose last event is before the horizon, and one beyond the bound."""
        rows = self._rows_at_bound() if len(self.rows) > self._keys else self.rows
        over = []
        for key, found in rows.items():
            if found.__class__ is not list:
                newest = found.ts
            else:  # they may come out of order
                newest = max(row.ts for row in found)
            if newest >= horizon:
                break
            over.append(key)
        for key in over:
            del rows[key]
        if len(rows) > self._keys:
            del rows[next(iter(rows))]
            self._drop("join_keys")
        self.look_at = min(max(_FEWEST, len(rows) * 5 // 4), self._keys)

    def _rows_at_bound(self) -> dict[Hashable, Any]:
        """Return the keys as a dict that finds the first one quickly.

        A plain one looks at the places of all that have gone from its front, but is
        quicker in all else.
        """
        if not isinstance(self.rows, OrderedDict):
            self.rows = OrderedDict(self.rows)
        return self.rows

    def _drop(self, kind: str, amount: int = 1) -> None:
        if self._frame is not None:
            self._frame.drop(kind, amount)

    def snapshot(self, codec: Codec) -> Any:
        """Return the events by key, in order."""
        if self._window_ns is not None:
            self.sweep(self._clock.now - self._window_ns)
        return [
            [codec.to_data(self._value(key)), codec.to_data(_listed(found))]
            for key, found in self.rows.items()
        ]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.rows = {
            self._key(codec.from_data(value)): codec.from_data(rows)
            for value, rows in data
        }
        self.look_at = min(max(_FEWEST, len(self.rows)), self._keys)

    def _value(self, key: Any) -> Any:
        """Return the value of a key, a list for any number of values but one."""
        return thawed(key) if self.arity == 1 else [thawed(part) for part in key]

    def _key(self, value: Any) -> Hashable:
        return as_key(value) if self.arity == 1 else tuple(map(as_key, value))


def _listed(found: Any) -> Sequence[Any]:
    """Return what stands under a key as a list."""
    return found if found.__class__ is list else [found]
