"""Windows and aggregates, re-computed naively from vpl.md 9 and 12.

Everything is a list that is searched from the start; nothing is shared with the engine.
Times are whole seconds.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

NO_TIME = -(10**12)
FOREVER = 10**12


@dataclass(frozen=True)
class Given:
    """An event as the oracle sees it: when, of which key, with which value, its number."""

    at: int
    key: Any
    value: Any
    number: int


@dataclass(frozen=True)
class Form:
    """A window: `kind` is tumbling, aligned, sliding, count, sliding_count or session."""

    kind: str
    size: int
    step: int = 0

    @property
    def text(self) -> str:
        """Return the operation."""
        return {
            "tumbling": f".window({self.size}s)",
            "aligned": f".window({self.size}s, align: true)",
            "sliding": f".window({self.size}s, sliding: {self.step}s)",
            "count": f".window({self.size})",
            "sliding_count": f".window({self.size}, sliding: {self.step})",
            "session": f".window(session: {self.size}s)",
        }[self.kind]


@dataclass(frozen=True)
class Watermark:
    """`.watermark(out_of_order: delay)`, with `.allowed_lateness` if there is one."""

    delay: int
    lateness: int | None = None

    @property
    def text(self) -> str:
        """Return the operations."""
        late = "" if self.lateness is None else f".allowed_lateness({self.lateness}s)"
        return f".watermark(out_of_order: {self.delay}s){late}"


def same(a: Any, b: Any) -> bool:
    """Tell whether two keys are equal in VPL."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


@dataclass
class Open:
    """One open window or session of a key."""

    key: Any
    start: int
    end: int
    events: list[Given] = field(default_factory=list)


@dataclass
class Oracle:
    """Gives the content of each window in the order they pass, late events aside."""

    form: Form
    watermark: Watermark | None
    is_keyed: bool
    clock: int = NO_TIME
    windows: list[Open] = field(default_factory=list)
    history: list[Given] = field(default_factory=list)
    grids: list[tuple[Any, int]] = field(default_factory=list)
    passes: list[tuple[Any, int]] = field(default_factory=list)
    passed: list[list[Given]] = field(default_factory=list)
    late: int = 0

    def key_of(self, event: Given) -> Any:
        return event.key if self.is_keyed else "all"

    def of_key(self, event: Given) -> list[Given]:
        return [e for e in self.history if same(self.key_of(e), self.key_of(event))]

    @property
    def lateness(self) -> int:
        return (self.watermark.lateness or 0) if self.watermark else 0

    # --- time ---------------------------------------------------------------------

    def take(self, event: Given) -> None:
        """Handle one event."""
        delay = self.watermark.delay if self.watermark else 0
        self.clock = max(self.clock, event.at - delay)
        self.close(self.clock)
        drops_late = self.watermark and self.watermark.lateness is not None
        if drops_late and event.at < self.clock - self.lateness:
            self.late += 1
            return
        getattr(self, self.form.kind)(event)

    def flush(self) -> None:
        """Let time run to infinity."""
        self.close(FOREVER)

    def close(self, now: int) -> None:
        """Pass what ends at `now` or before, by end, then by opening."""
        while True:
            due = [w for w in self.windows if w.end <= now]
            if not due:
                return
            first = min(due, key=lambda w: w.end)
            self.windows.remove(first)
            self.passed.append(sorted(first.events, key=lambda e: e.number))

    def open_of(self, event: Given) -> list[Open]:
        return [w for w in self.windows if same(w.key, self.key_of(event))]

    # --- forms --------------------------------------------------------------------

    def tumbling(self, event: Given) -> None:
        if self.watermark:
            self.on_grid(event, self.grid_of(event))
            return
        found = self.open_of(event)
        if not found:
            end = event.at + self.form.size
            found = [Open(self.key_of(event), event.at, end)]
            self.windows += found
        found[0].events.append(event)

    def grid_of(self, event: Given) -> int:
        key = self.key_of(event)
        known = [start for other, start in self.grids if same(other, key)]
        if not known:
            self.grids.append((key, event.at))
            known = [event.at]
        return known[0]

    def aligned(self, event: Given) -> None:
        self.on_grid(event, 0)

    def on_grid(self, event: Given, origin: int) -> None:
        size = self.form.size
        start = origin + math.floor((event.at - origin) / size) * size
        end = start + size + self.lateness
        found = [w for w in self.open_of(event) if w.start == start]
        if not found and end <= self.clock:
            self.late += 1
            return
        if not found:
            found = [Open(self.key_of(event), start, end)]
            self.windows += found
        found[0].events.append(event)

    def sliding(self, event: Given) -> None:
        size, step = self.form.size, self.form.step
        if self.watermark and event.at < self.clock - size:
            self.late += 1
            return
        self.history.append(event)
        key = self.key_of(event)
        before = [at for other, at in self.passes if same(other, key)]
        if before and event.at < before[-1] + step:
            return
        self.passes.append((key, event.at))
        stretch = range(event.at - size, event.at + 1)
        self.passed.append([e for e in self.of_key(event) if e.at in stretch])

    def count(self, event: Given) -> None:
        self.history.append(event)
        own = self.of_key(event)
        if len(own) % self.form.size == 0:
            self.passed.append(own[-self.form.size :])

    def sliding_count(self, event: Given) -> None:
        self.history.append(event)
        own, key = self.of_key(event), self.key_of(event)
        before = [count for other, count in self.passes if same(other, key)]
        since = len(own) - before[-1] if before else self.form.step
        if len(own) >= self.form.size and since >= self.form.step:
            self.passes.append((key, len(own)))
            self.passed.append(own[-self.form.size :])

    def session(self, event: Given) -> None:
        gap = self.form.size
        found = self.open_of(event)
        if self.watermark:
            found = [
                w for w in found if w.start - gap <= event.at <= self.last(w) + gap
            ]
            if not found and event.at + gap + self.lateness < self.clock:
                self.late += 1
                return
        if not found:
            found = [Open(self.key_of(event), event.at, 0)]
            self.windows += found
        joined, *others = found
        for other in others:
            self.windows.remove(other)
            joined.events += other.events
        joined.events.append(event)
        joined.start = min(e.at for e in joined.events)
        joined.end = self.last(joined) + gap + self.lateness + 1

    def last(self, window: Open) -> int:
        return max(e.at for e in window.events)


def groups(events: Sequence[Given]) -> list[list[Given]]:
    """Return the events by key, in order of first appearance."""
    found: list[list[Given]] = []
    for event in events:
        own = [group for group in found if same(group[0].key, event.key)]
        if own:
            own[0].append(event)
        else:
            found.append([event])
    return found


# --- aggregates -----------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def percentile(values: Sequence[float], p: float) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * p / 100
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] * (1 - (place - low)) + ordered[high] * (place - low)


def ema(values: Sequence[float], n: int) -> float | None:
    average: float | None = None
    for value in values:
        k = 2 / (n + 1)
        average = value if average is None else value * k + average * (1 - k)
    return average


def extreme(values: Sequence[Any], *, is_greatest: bool) -> Any:
    """Return the least or greatest of the values of the first one's kind."""
    ordered = [v for v in values if is_number(v) or isinstance(v, str)]
    if not ordered:
        return None
    own = [v for v in ordered if isinstance(v, str) == isinstance(ordered[0], str)]
    chosen = max(own) if is_greatest else min(own)
    return float(chosen) if is_number(chosen) else chosen


def distinct(values: Sequence[Any]) -> int:
    found: list[Any] = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    return len(found)


AGGREGATES = (
    "n: count(), c: count(v), s: sum(v), a: avg(v), lo: min(v), hi: max(v), "
    "sd: stddev(v), va: variance(v), m: median(v), p: percentile(v, 30), "
    "f: first(i), l: last(i), e: ema(v, 3), d: count_distinct(v), "
    "d2: count(distinct(v)), vs: collect(v), ids: collect(i), "
    "mix: if count() > 1 then round(max(i) - min(i)) else null"
)


def aggregate(events: Sequence[Given]) -> dict[str, Any]:
    """Return the fields of `AGGREGATES` over the events, nulls included."""
    values = [e.value for e in events if e.value is not None]
    numbers = [float(v) for v in values if is_number(v)]
    several = len(numbers) > 1
    ids = [e.number for e in events]
    return {
        "n": len(events),
        "c": len(values),
        "s": math.fsum(numbers),
        "a": statistics.fmean(numbers) if numbers else None,
        "lo": extreme(values, is_greatest=False),
        "hi": extreme(values, is_greatest=True),
        "sd": statistics.stdev(numbers) if several else None,
        "va": statistics.variance(numbers) if several else None,
        "m": statistics.median(numbers) if numbers else None,
        "p": percentile(numbers, 30),
        "f": ids[0],
        "l": ids[-1],
        "e": ema(numbers, 3),
        "d": distinct(values),
        "d2": distinct(values),
        "vs": values,
        "ids": ids,
        "mix": max(ids) - min(ids) if len(events) > 1 else None,
    }
