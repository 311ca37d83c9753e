"""Events per second, from the counters that workers report."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.services.heartbeats import Heartbeat

SILENT_AFTER_S = 15.0  # a worker not heard of for so long processes nothing, as shown
LEAST_SPAN_S = 0.2  # two reports closer together say nothing about a rate


@dataclass(slots=True)
class Counters:
    """What one report said, and when it came (monotonic seconds)."""

    at_s: float
    events_in: int
    events_out: int
    cpu: float | None
    memory: int | None
    running: int
    pipelines: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """Rates of a worker since its report before the last one."""

    per_second_in: float
    per_second_out: float
    cpu: float | None
    memory: int | None
    running: int


class RateBook:
    """Remembers the last two reports of each worker.

    Counters start anew when a worker restarts: a smaller count means that all of it
    is new.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty; `clock` counts seconds."""
        self._clock = clock
        self._last: dict[str, Counters] = {}
        self._before: dict[str, Counters] = {}
        self._heard: set[str] = set()
        self._silent: set[str] = set()

    def note(self, beat: Heartbeat) -> None:
        """Take the counters of one report."""
        now_s = self._clock()
        last = self._last.get(beat.worker_id)
        if last is not None and now_s - last.at_s >= LEAST_SPAN_S:
            self._before[beat.worker_id] = last
        self._last[beat.worker_id] = _counters(beat, now_s)
        self._heard.add(beat.worker_id)

    def take_news(self) -> set[str]:
        """Return the workers that reported or fell silent since the last call."""
        now_s = self._clock()
        silent = {k for k, v in self._last.items() if now_s - v.at_s > SILENT_AFTER_S}
        news = self._heard | (silent - self._silent)
        self._heard, self._silent = set(), silent
        return news

    def forget_others(self, worker_ids: Iterable[str]) -> None:
        """Drop what is remembered of workers that are gone."""
        gone = self._last.keys() - set(worker_ids)
        for worker_id in gone:
            self._last.pop(worker_id, None)
            self._before.pop(worker_id, None)
            self._heard.discard(worker_id)

    def worker(self, worker_id: str) -> WorkerFigures:
        """Return the rates of a worker; zero while nothing is known."""
        last, before, span_s = self._pair(worker_id)
        if last is None:
            return WorkerFigures(0.0, 0.0, None, None, 0)
        earlier = before or last
        return WorkerFigures(
            _per_second(earlier.events_in, last.events_in, span_s),
            _per_second(earlier.events_out, last.events_out, span_s),
            last.cpu,
            last.memory,
            last.running,
        )

    def pipeline(self, worker_id: str, pipeline_id: str) -> tuple[float, int]:
        """Return events per second into a pipeline and what waits in its queue."""
        last, before, span_s = self._pair(worker_id)
        if last is None or before is None or pipeline_id not in last.pipelines:
            return 0.0, 0
        count, queue = last.pipelines[pipeline_id]
        earlier, _ = before.pipelines.get(pipeline_id, (0, 0))
        return _per_second(earlier, count, span_s), queue

    def age_s(self, worker_id: str) -> float | None:
        """Return the seconds since the last report, None if none came here."""
        last = self._last.get(worker_id)
        return None if last is None else round(self._clock() - last.at_s, 1)

    def total_in(self) -> float:
        """Return the events per second of all workers together."""
        return sum(self.worker(key).per_second_in for key in self._last)

    def _pair(self, worker_id: str) -> tuple[Counters | None, Counters | None, float]:
        last = self._last.get(worker_id)
        before = self._before.get(worker_id)
        if last is None or self._clock() - last.at_s > SILENT_AFTER_S:
            return None, None, 1.0
        return last, before, last.at_s - before.at_s if before else 1.0


def _per_second(before: int, after: int, span_s: float) -> float:
    grown = after - before if after >= before else after
    return round(grown / span_s, 1)


def _counters(beat: Heartbeat, now_s: float) -> Counters:
    load: Mapping[str, Any] = beat.load or {}
    found = Counters(
        now_s,
        beat.events_processed,
        0,
        _number(load.get("cpu_percent")),
        _whole(load.get("memory_bytes")),
        beat.pipelines_running or 0,
    )
    for item in beat.pipelines or ():
        events_in = _whole(item.get("events_in")) or 0
        queue = _whole(item.get("queue_depth")) or 0
        found.pipelines[str(item.get("id"))] = (events_in, queue)
        found.events_out += _whole(item.get("events_out")) or 0
    return found


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type] # checked above


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
