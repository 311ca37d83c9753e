"""The runs of a sequence: partial matches, found by key, ended by deadline (vpl.md 10).

A run is an instance of a class made for its sequence, with these attributes:
`n` its number (age), `d` the deadline in ns (inclusive, FOREVER if none), `f` and `t` the
first and the greatest timestamp of its events, `p0`, `p1` .. its positions, `s0`, `s1` ..
the rows it took (a list for repeated steps), `k0`, `k1` .. its keys in the indexes, `g`
and `key` the partition as key and as value, `w` the deadline it is queued with, `e` and
`h` the deadlines of a repeated step and of the hop after it.
"""

import heapq
from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.deadlines import BEYOND, reached
from engine.runtime.frame import Frame
from engine.runtime.keys import as_key
from engine.runtime.state import END_OF_TIME, FOREVER, Codec
from engine.runtime.stream_clock import StreamClock

Run = Any
DEAD: Final = -2
"""The first position of a run that has ended."""
NOWHERE: Final = -1
"""The position in a column that a run's branch does not have."""
TIDY_EVERY: Final = 1024  # starts between two looks at what ended runs still hold
_age = attrgetter("n")


class _Mark:
    """A key that no event has."""

    __slots__ = ()


OUT: Final = _Mark()
"""The key of a run that is not in an index."""
NO_KEY: Final = _Mark()
"""The key of a run whose field is null: no event equals it."""


class Index:
    """Runs at some positions by key, oldest first; a single one stands without a list.

    `parts` are the attributes of a run and of the row there that make its key; the row
    attribute is None for the partition. `slot` is the run's attribute for its key.
    """

    __slots__ = ("buckets", "parts", "slot")

    def __init__(self, slot: str, parts: Sequence[tuple[str, str | None]]) -> None:
        self.slot = slot
        self.parts = tuple(parts)
        self.buckets: dict[Any, Run | list[Run]] = {}

    def key(self, run: Run) -> Any:
        """Return the key of a run."""
        found = []
        for attribute, name in self.parts:
            if name is None:
                found.append(run.g)
                continue
            value = getattr(getattr(run, attribute), name)
            if value is None:
                return NO_KEY
            found.append(value if value.__class__ is str else as_key(value))
        return found[0] if len(found) == 1 else tuple(found)

    def enter(self, run: Run) -> None:
        """Add a run."""
        key = self.key(run)
        setattr(run, self.slot, key)
        bucket = self.buckets.setdefault(key, run)
        if bucket is run:
            return
        if bucket.__class__ is not list:
            self.buckets[key] = sorted((bucket, run), key=_age)
        elif bucket[-1].n < run.n:
            bucket.append(run)
        else:
            insort(bucket, run, key=_age)

    def leave(self, run: Run) -> None:
        """Remove a run; one that is not there is no error."""
        key = getattr(run, self.slot)
        if key is OUT:
            return
        setattr(run, self.slot, OUT)
        bucket = self.buckets[key]
        if bucket is run:
            del self.buckets[key]
            return
        bucket.remove(run)
        if len(bucket) == 1:
            self.buckets[key] = bucket[0]

    def runs(self) -> Iterable[Run]:
        """Return all runs in it."""
        found: list[Run] = []
        for bucket in self.buckets.values():
            found += bucket if bucket.__class__ is list else (bucket,)
        return found

    def clear(self) -> None:
        """Forget all runs."""
        self.buckets.clear()


class RunList:
    """Runs at some positions that every event of a type concerns."""

    __slots__ = ("_is_ordered", "buckets")

    def __init__(self) -> None:
        self.buckets: dict[int, Run] = {}
        self._is_ordered = True

    def enter(self, run: Run) -> None:
        """Add a run."""
        if self.buckets and next(reversed(self.buckets)) > run.n:
            self._is_ordered = False
        self.buckets[run.n] = run

    def leave(self, run: Run) -> None:
        """Remove a run; one that is not there is no error."""
        self.buckets.pop(run.n, None)
        if not self.buckets:
            self._is_ordered = True

    def in_order(self) -> list[Run]:
        """Return the runs, oldest first."""
        if not self._is_ordered:
            ordered = sorted(self.buckets.items())
            self.buckets.clear()
            self.buckets.update(ordered)
            self._is_ordered = True
        return list(self.buckets.values())

    def runs(self) -> Iterable[Run]:
        """Return all runs in it."""
        return self.buckets.values()

    def clear(self) -> None:
        """Forget all runs."""
        self.buckets.clear()
        self._is_ordered = True


def merged(*found: Sequence[Run] | None) -> list[Run]:
    """Return the runs of several look-ups, each once, oldest first."""
    by_age = {run.n: run for runs in found if runs for run in runs}
    return [by_age[n] for n in sorted(by_age)]


@dataclass(frozen=True, slots=True)
class RunShape:
    """What the compiler tells about the runs of one sequence.

    `at` gives the indexes a run is in by its position; `awaiting` are the positions at
    which a run waits for its deadline to match, NOWHERE included, empty if none does.
    `attributes` are those of a run, in order, `slots` those that hold rows. With
    `moves` deadlines change during the life of a run.
    """

    make: Any
    attributes: tuple[str, ...]
    columns: tuple[str, ...]
    slots: tuple[str, ...]
    at: Mapping[int, tuple[Index | RunList, ...]]
    indexes: tuple[Index | RunList, ...]
    awaiting: frozenset[int]
    moves: bool
    has_keys: bool


class RunTable:
    """All runs of one stream.

    `due` is when the next run may have to end. `n` is the number of the latest run, `top`
    the number up to which runs may start now; `matches`, `expired`, `killed` and `refused` are counters.
    """

    __slots__ = (
        "clock",
        "due",
        "expired",
        "frame",
        "heap",
        "killed",
        "limit",
        "matches",
        "most",
        "n",
        "queue",
        "refused",
        "shape",
        "top",
    )

    def __init__(self, shape: RunShape, clock: StreamClock) -> None:
        limits = Limits()
        self.shape = shape
        self.clock = clock
        self.due = BEYOND
        self.frame: Frame | None = None
        self.limit = limits.runs
        self.most = limits.kleene_events
        self.n = 0
        self.top = self.limit
        self.matches = self.expired = self.killed = self.refused = 0
        self.queue: deque[Run] = deque()
        self.heap: list[tuple[int, int, Run]] = []

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds, before the first event."""
        self.frame = frame
        self.top += limits.runs - self.limit
        self.limit = limits.runs
        self.most = limits.kleene_events
        frame.gauges.append(self.counts)

    @property
    def active(self) -> int:
        """Return how many runs there are."""
        return self.limit - (self.top - self.n)

    def counts(self) -> dict[str, int]:
        """Return the counters of vpl.md section 19."""
        return {
            "runs_active": self.active,
            "runs_refused": self.refused,
            "runs_expired": self.expired,
            "runs_killed": self.killed,
            "matches": self.matches,
        }

    # --- life of a run --------------------------------------------------------------

    def start(self, run: Run) -> None:
        """Take up a new run, numbered `n`."""
        for index in self.positions(run):
            index.enter(run)
        if run.d != FOREVER:
            self.queue_up(run)

    def positions(self, run: Run) -> Iterable[Index | RunList]:
        """Return the indexes of all positions of a run."""
        at = self.shape.at
        for column in self.shape.columns:
            yield from at.get(getattr(run, column), ())

    def queue_up(self, run: Run) -> None:
        """Remember a run by its deadline."""
        deadline = run.d
        if self.shape.moves:
            run.w = deadline
            heapq.heappush(self.heap, (deadline, run.n, run))
        elif not self.queue or self.queue[-1].d <= deadline:
            self.queue.append(run)
        else:
            heapq.heappush(self.heap, (deadline, run.n, run))
        self.lower(deadline)
        if not run.n % TIDY_EVERY:
            self.tidy()

    def lower(self, deadline: int) -> None:
        """See to it that the clock looks at runs once a deadline has passed."""
        due = _passed(deadline)
        if due < self.due:
            self.due = due
            if due < self.clock.due:
                self.clock.due = due

    def move(self, run: Run, column: str, position: int) -> None:
        """Put a run at a new position of one of its chains."""
        before = self.shape.at.get(getattr(run, column), ())
        after = self.shape.at.get(position, ())
        for index in before:
            if index not in after:
                index.leave(run)
        setattr(run, column, position)
        for index in after:
            if index not in before:
                index.enter(run)

    def moved_deadline(self, run: Run, deadline: int) -> None:
        """Give a run a new deadline."""
        run.d = deadline
        if deadline != FOREVER and (run.w == FOREVER or deadline < run.w):
            self.queue_up(run)

    def end(self, run: Run) -> None:
        """Forget a run."""
        self.forget(run)
        queue = self.queue
        while queue and queue[0].p0 == DEAD:
            queue.popleft()

    def forget(self, run: Run) -> None:
        """Take a run out of the indexes and mark it as ended; it may stay queued."""
        at = self.shape.at
        for column in self.shape.columns:
            for index in at.get(getattr(run, column), ()):
                index.leave(run)
        run.p0 = DEAD
        self.top += 1

    def kill(self, run: Run) -> None:
        """End a run that a negation applies to."""
        self.killed += 1
        self.end(run)

    def overflow(self, run: Run) -> None:
        """End a run that took too many events in a repeated step."""
        self.end(run)
        if self.frame is not None:
            self.frame.drop("kleene_events")

    def tidy(self) -> None:
        """Let go of ended runs where they are the most that is queued."""
        if len(self.queue) + len(self.heap) > 2 * self.active + TIDY_EVERY:
            alive = [run for run in self.queue if run.p0 != DEAD]
            self.queue.clear()
            self.queue.extend(alive)
            self.heap = [entry for entry in self.heap if entry[2].p0 != DEAD]
            heapq.heapify(self.heap)

    # --- deadlines ------------------------------------------------------------------

    def take_due(self, now: int) -> list[Run]:
        """End the runs whose deadline has passed; return those that match by that.

        They come by deadline, then by age.
        """
        now = reached(now)
        if not (self.shape.awaiting or self.heap):
            self._expire(now)
            return []
        found = self._overdue(now)
        awaiting = self.shape.awaiting
        matched = []
        for run in found:
            if awaiting and all(
                getattr(run, column) in awaiting for column in self.shape.columns
            ):
                matched.append(run)
            else:
                self.expired += 1
            self.end(run)
        self.matches += len(matched)
        self._next_due()
        return matched

    def _expire(self, now: int) -> None:
        """End what is overdue where none of it matches and all of it is in order."""
        queue = self.queue
        while queue:
            run = queue[0]
            if run.p0 != DEAD:
                if run.d >= now:
                    break
                self.expired += 1
                self.forget(run)
            queue.popleft()
        self.due = _passed(queue[0].d) if queue else BEYOND

    def _overdue(self, now: int) -> list[Run]:
        queue, heap = self.queue, self.heap
        found = []
        while queue and (queue[0].p0 == DEAD or queue[0].d < now):
            run = queue.popleft()
            if run.p0 != DEAD:
                found.append(run)
        while heap and (heap[0][0] < now or heap[0][2].p0 == DEAD):
            deadline, _, run = heapq.heappop(heap)
            if run.p0 == DEAD or (self.shape.moves and run.w != deadline):
                continue
            if run.d > deadline or run.d == FOREVER:
                self._requeue(run)
            else:
                found.append(run)
        if len(found) > 1:
            found.sort(key=_by_deadline)
        return found

    def _requeue(self, run: Run) -> None:
        run.w = run.d
        if run.d != FOREVER:
            heapq.heappush(self.heap, (run.d, run.n, run))

    def _next_due(self) -> None:
        due = BEYOND
        if self.queue:
            due = _passed(self.queue[0].d)
        if self.heap:
            due = min(due, _passed(self.heap[0][0]))
        self.due = due

    # --- checkpoints ----------------------------------------------------------------

    def runs(self) -> list[Run]:
        """Return all active runs, oldest first."""
        return merged(*(list(index.runs()) for index in self.shape.indexes))

    def snapshot(self, codec: Codec) -> Any:
        """Return the runs as JSON-able data; indexes and queues follow from them."""
        return {
            "n": self.n,
            "counts": [self.matches, self.expired, self.killed, self.refused],
            "runs": [self._run_data(run, codec) for run in self.runs()],
        }

    def _run_data(self, run: Run, codec: Codec) -> dict[str, Any]:
        shape = self.shape
        plain = ("n", "d", "f", "t", *(("w", "e", "h") if shape.moves else ()))
        found = {name: getattr(run, name) for name in (*plain, *shape.columns)}
        found["rows"] = [codec.to_data(getattr(run, slot)) for slot in shape.slots]
        if shape.has_keys:
            found["key"] = codec.to_data(run.key)
        return found

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        for index in self.shape.indexes:
            index.clear()
        self.queue.clear()
        self.heap.clear()
        self.due = BEYOND
        self.n = data["n"]
        self.matches, self.expired, self.killed, self.refused = data["counts"]
        self.top = self.n + self.limit - len(data["runs"])
        for run in sorted((self._run(item, codec) for item in data["runs"]), key=_age):
            for index in self.positions(run):
                index.enter(run)
        for run in sorted(self.runs(), key=_by_deadline):
            if run.d != FOREVER:
                self.queue_up(run)

    def _run(self, data: dict[str, Any], codec: Codec) -> Run:
        values: dict[str, Any] = dict.fromkeys(self.shape.attributes, OUT)
        values |= {k: v for k, v in data.items() if k not in {"rows", "key"}}
        for slot, rows in zip(self.shape.slots, data["rows"], strict=True):
            values[slot] = codec.from_data(rows)
        if self.shape.has_keys:
            values["key"] = codec.from_data(data["key"])
            values["g"] = partition_key(values["key"])
        return self.shape.make(*(values[name] for name in self.shape.attributes))


def _passed(deadline: int) -> int:
    """Return when a deadline has passed, at most the end of all time."""
    return deadline + 1 if deadline < END_OF_TIME else END_OF_TIME


def _by_deadline(run: Run) -> tuple[int, int]:
    return run.d, run.n


def partition_key(shown: Any) -> Any:
    """Return the key of a partition by the value that `_partition` shows."""
    return as_key(shown)
