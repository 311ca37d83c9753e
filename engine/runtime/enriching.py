"""`.enrich`: fields from external systems, cached (vpl.md section 20)."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from engine.connectors.base import (
    ConnectorSpec,
    Lookup,
    LookupFactory,
    LookupFailedError,
)
from engine.errors import BadEventError
from engine.limits import Limits
from engine.runtime.clock import Clock, SystemClock
from engine.runtime.display import display
from engine.runtime.frame import Frame
from engine.runtime.intake import clean_map
from engine.runtime.state import Codec
from engine.runtime.values import NS_PER_S

FAILURE_TTL_NS: Final = 5 * NS_PER_S
MAX_CACHED: Final = 10_000  # records of one connector; the least recently used go
MAX_AT_ONCE: Final = 64  # look-ups of all pipelines of this process together
_AT_ONCE: Final = threading.BoundedSemaphore(MAX_AT_ONCE)
NS_PER_MS: Final = 1_000_000

Record = dict[str, Any]
Found = tuple[Record, str, float]
"""What is added to the event, the status, and the latency in ms."""


@dataclass(frozen=True, slots=True)
class Enriching:
    """The arguments of one `.enrich`: durations in ns; `fallback` counts if set."""

    fields: tuple[str, ...]
    cache_ttl: int
    timeout: int
    has_fallback: bool
    fallback: Any


class LookupCache:
    """The records of one connector, with the wall time until which each counts.

    A failure is kept as None. Safe to use from several contexts.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Record | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, now: int) -> tuple[bool, Record | None]:
        """Return whether something is known at `now` (ns), and what."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] <= now:
                return False, None
            self._kept.move_to_end(key)
            return True, kept[1]

    def put(self, key: str, record: Record | None, until: int) -> None:
        """Remember a record, or a failure, until a wall time in ns."""
        with self._lock:
            self._kept[key] = (until, record)
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_CACHED:
                self._kept.popitem(last=False)

    def snapshot(self, codec: Codec) -> Any:
        """Return the cache as JSON-able data, oldest use first."""
        with self._lock:
            return [
                [key, until, codec.to_data(record)]
                for key, (until, record) in self._kept.items()
            ]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        kept = [(str(k), int(until), codec.from_data(r)) for k, until, r in data]
        with self._lock:
            self._kept.clear()
            self._kept.update({key: (until, record) for key, until, record in kept})


class Enrichment:
    """One `.enrich` of one stream; uses of a connector share look-up and cache.

    Without a look-up, as in trial runs, every look-up fails.
    """

    def __init__(self, spec: ConnectorSpec, wanted: Enriching) -> None:
        self.spec = spec
        self.cache = LookupCache()
        self.lookup: Lookup | None = None
        self._wanted = wanted
        self._clock: Clock = SystemClock()

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the wall clock of the stream."""
        self._clock = frame.clock

    def find(self, key: Any) -> Found:
        """Return what to add to an event with this key; blocks up to the timeout."""
        began = time.perf_counter()
        record, status = self._find(key)
        latency_ms = round((time.perf_counter() - began) * 1000, 3)
        if record is None:
            return self._fallen_back(latency_ms)
        added = {name: record.get(name) for name in self._wanted.fields}
        return added, status, latency_ms

    def _fallen_back(self, latency_ms: float) -> Found:
        wanted = self._wanted
        if not wanted.has_fallback:
            return {}, "error", latency_ms
        return dict.fromkeys(wanted.fields, wanted.fallback), "fallback", latency_ms

    def _find(self, key: Any) -> tuple[Record | None, str]:
        if key is None:
            return None, "error"
        text = display(key)
        is_known, record = self.cache.get(text, self._clock.now_ns())
        if is_known:
            return record, "cached"
        record = self._ask(text)
        ttl = FAILURE_TTL_NS if record is None else self._wanted.cache_ttl
        self.cache.put(text, record, self._clock.now_ns() + ttl)
        return record, "ok"

    def _ask(self, key: str) -> Record | None:
        """Return the record of a key from outside, None on any failure."""
        if self.lookup is None:
            return None
        ends = time.monotonic() + self._wanted.timeout / NS_PER_S
        if not _AT_ONCE.acquire(timeout=max(0.0, ends - time.monotonic())):
            return None
        try:
            found = self.lookup.find(key, max(0.001, ends - time.monotonic()))
            return None if found is None else clean_map(found)
        except (LookupFailedError, BadEventError):
            return None
        finally:
            _AT_ONCE.release()

    def snapshot(self, codec: Codec) -> Any:
        """Return the cache as JSON-able data."""
        return self.cache.snapshot(codec)

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.cache.restore(data, codec)


class LookupHub:
    """The look-ups of one pipeline, one for each connector with its parameters."""

    def __init__(
        self,
        enrichments: list[Enrichment],
        factory: LookupFactory | None,
        pipeline: str,
    ) -> None:
        self.lookups: list[tuple[ConnectorSpec, Lookup | None, LookupCache]] = []
        for enrichment in enrichments:
            shared = next((x for x in self.lookups if x[0] == enrichment.spec), None)
            if shared is None:
                lookup = factory(enrichment.spec) if factory is not None else None
                shared = (enrichment.spec, lookup, enrichment.cache)
                self.lookups.append(shared)
            enrichment.lookup, enrichment.cache = shared[1], shared[2]

    def close(self) -> None:
        """Let go of all connections."""
        for _, lookup, _ in self.lookups:
            if lookup is not None:
                lookup.close()
