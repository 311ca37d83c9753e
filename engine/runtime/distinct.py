"""What `distinct` has seen (vpl.md 8.3)."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Any

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.keys import as_key
from engine.runtime.state import FOREVER, Codec
from engine.runtime.stream_clock import StreamClock

Batch = list[tuple[Any, Any, Any]]


class Distinct:
    """The keys seen, each with the time of the event that was kept for it.

    A key is forgotten once the clock is more than `ttl` ns beyond that time, or when
    there are too many: then the one seen the longest ago goes.
    """

    __slots__ = ("_clock", "_expiring", "_frame", "_limit", "_seen", "_ttl")

    def __init__(self, clock: StreamClock, ttl: int | None) -> None:
        self._clock = clock
        self._ttl = ttl
        self._seen: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._expiring: deque[tuple[int, Hashable]] = deque()
        self._limit = Limits().distinct_keys
        self._frame: Frame | None = None

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bound, before the first event."""
        self._frame = frame
        self._limit = limits.distinct_keys

    def is_new(self, key: Hashable, shown: Any, ts: int) -> bool:
        """Tell whether an event is kept: the first of its key since it was forgotten."""
        seen = self._seen
        if self._ttl is not None:
            self._expire(self._clock.now - self._ttl)
        known = seen.get(key)
        if known is not None and (self._ttl is None or known[0] >= self._oldest()):
            seen.move_to_end(key)
            return False
        seen[key] = (ts, shown)
        seen.move_to_end(key)
        if self._ttl is not None:
            self._expiring.append((ts, key))
        if len(seen) > self._limit:
            seen.popitem(last=False)
            if self._frame is not None:
                self._frame.drop("distinct_keys")
        return True

    def _oldest(self) -> int:
        """Return the oldest time whose key is still known."""
        return -FOREVER if self._ttl is None else self._clock.now - self._ttl

    def _expire(self, oldest: int) -> None:
        """Forget the keys kept before `oldest`, as far as they stand in order."""
        expiring, seen = self._expiring, self._seen
        while expiring and expiring[0][0] < oldest:
            ts, key = expiring.popleft()
            known = seen.get(key)
            if known is not None and known[0] == ts:
                del seen[key]

    def snapshot(self, codec: Codec) -> Any:
        """Return the keys, the one seen the longest ago first, as JSON-able data."""
        return [[ts, codec.to_data(shown)] for ts, shown in self._seen.values()]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._seen.clear()
        for ts, item in data:
            shown = codec.from_data(item)
            self._seen[as_key(shown)] = (ts, shown)
        kept = [(ts, key) for key, (ts, _) in self._seen.items()]
        self._expiring = deque(sorted(kept, key=lambda item: item[0]))
