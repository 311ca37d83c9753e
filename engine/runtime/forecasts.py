"""How likely runs of a sequence complete, learned from earlier runs (vpl.md section 20).

The model is a variable-order Markov chain: what is to come depends on the latest steps a
run took and the event types it took there, as many of them as were seen before. Each
such context counts the runs that stood there, those that completed and how long they
waited for it. A context's estimate is blended with that of the context shorter by one
step, down to even odds. Source: R. Begleiter, R. El-Yaniv, G. Yona, On prediction using
variable order Markov models, JAIR 22 (2004). Every run that completed in time raises
the estimates it has a part in, every run that was lost lowers them.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.runs import Run, RunShape, RunTable
from engine.runtime.state import Codec
from engine.runtime.stream_clock import StreamClock
from engine.runtime.values import Duration, Timestamp

MAX_CONTEXTS: Final = 10_000
EVEN: Final = 0.5  # estimate before anything is known; it weighs as much as one run
Z_90: Final = 1.6448536269514722  # two-sided 90 % of the normal distribution
FINE_BITS: Final = 3  # buckets of waiting times per doubling, as a power of two

Path = list[int]
"""What a run took: slot and timestamp of each event, alternating."""
Prediction = tuple[float, float, float, float, Duration | None, Timestamp | None, int]
"""Probability, lower, upper, confidence, time, expected time, depth of the context."""


@dataclass(frozen=True, slots=True)
class ForecastSpec:
    """The parameters of `.forecast`.

    Nothing is predicted before `warmup` events, nor below the probability `confidence`;
    contexts are at most `max_depth` steps. `horizon_ns` is None for the remaining time.
    """

    confidence: float
    warmup: int
    max_depth: int
    horizon_ns: int | None = None


class Context:
    """What became of the runs that stood at the same latest steps.

    `waits` counts the completed ones by bucket of waiting time, `waited_ns` is the sum.
    """

    __slots__ = ("completed", "ended", "waited_ns", "waits")

    def __init__(self) -> None:
        self.ended = 0
        self.completed = 0
        self.waited_ns = 0
        self.waits: dict[int, int] = {}

    def learn(self, wait_ns: int | None) -> None:
        """Add a run by the time it still took, None if it was lost."""
        self.ended += 1
        if wait_ns is not None:
            self.completed += 1
            self.waited_ns += wait_ns
            at = bucket(wait_ns)
            self.waits[at] = self.waits.get(at, 0) + 1

    def within(self, horizon_ns: int | None) -> int:
        """Return how many runs completed within the horizon, None for any time."""
        if horizon_ns is None:
            return self.completed
        last = bucket(horizon_ns)
        return sum(count for at, count in self.waits.items() if at <= last)

    def time_ns(self, horizon_ns: int | None) -> int | None:
        """Return the mean wait of completed runs, at most the horizon."""
        if not self.completed:
            return None
        mean = self.waited_ns // self.completed
        return mean if horizon_ns is None else min(mean, horizon_ns)

    def snapshot(self) -> list[Any]:
        """Return the context as JSON-able data."""
        waits = [[at, count] for at, count in self.waits.items()]
        return [self.ended, self.completed, self.waited_ns, waits]

    def restore(self, data: list[Any]) -> None:
        """Take over what `snapshot` gave."""
        self.ended, self.completed, self.waited_ns, waits = data
        self.waits = dict(waits)


def bucket(wait_ns: int) -> int:
    """Return the bucket of a length of time; longer ones have greater numbers.

    Buckets grow with the length: there are eight to each doubling.
    """
    shift = max(wait_ns.bit_length() - 1 - FINE_BITS, 0)
    return (shift << FINE_BITS) + (wait_ns >> shift)


class Forecaster:
    """The model of one stream, and when it speaks. `events` counts what arrived."""

    __slots__ = ("_contexts", "_frame", "events", "spec")

    def __init__(self, spec: ForecastSpec) -> None:
        self.spec = spec
        self.events = 0
        self._frame: Frame | None = None
        self._contexts: dict[tuple[int, ...], Context] = {}

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream."""
        self._frame = frame

    # --- learning -------------------------------------------------------------------

    def complete(self, run: Run, now: int) -> None:
        """Learn from a run that an event at `now` completes; that event is no context."""
        self._learn(run, run.path[:-2], now)

    def awaited(self, run: Run) -> None:
        """Learn from a run that its deadline completes."""
        self._learn(run, run.path, run.d)

    def lose(self, run: Run) -> None:
        """Learn from a run that ended without a match."""
        self._learn(run, run.path, None)

    def _learn(self, run: Run, path: Path, end: int | None) -> None:
        slots, stamps = tuple(path[::2]), path[1::2]
        for at, stamp in enumerate(stamps, 1):
            wait_ns = None if end is None else max(end - stamp, 0)
            for depth in range(1, min(at, self.spec.max_depth) + 1):
                context = self._context(slots[at - depth : at])
                if context is not None:
                    context.learn(wait_ns)
        run.path = None

    def _context(self, slots: tuple[int, ...]) -> Context | None:
        """Return a context, new ones as long as there is room."""
        found = self._contexts.get(slots)
        if found is None:
            if len(self._contexts) >= MAX_CONTEXTS:
                if self._frame is not None:
                    self._frame.drop("forecast_contexts")
                return None
            found = self._contexts[slots] = Context()
        return found

    # --- predicting -----------------------------------------------------------------

    def predict(
        self, path: Path | None, now: int, remaining_ns: int | None
    ) -> Prediction | None:
        """Return what is to be said of a run that took an event at `now`.

        None before the warm-up, below the confidence, and of a run that has matched.
        `remaining_ns` is what is left of its `within`, None if nothing bounds it.
        """
        spec = self.spec
        if path is None or self.events <= spec.warmup:
            return None
        horizon_ns = remaining_ns if spec.horizon_ns is None else spec.horizon_ns
        probability, depth, context = self._estimate(path, horizon_ns)
        if probability < spec.confidence:
            return None
        lower, upper = wilson(probability, 0 if context is None else context.ended)
        time_ns = None if context is None else context.time_ns(horizon_ns)
        return (
            probability,
            lower,
            upper,
            1.0 - (upper - lower),
            None if time_ns is None else Duration(time_ns),
            None if time_ns is None else Timestamp(now + time_ns),
            depth,
        )

    def _estimate(
        self, path: Path, horizon_ns: int | None
    ) -> tuple[float, int, Context | None]:
        """Return the probability, and the longest known context with its length."""
        probability, known = EVEN, None
        if horizon_ns is not None and horizon_ns < 0:
            return 0.0, 0, None
        for depth in range(1, min(len(path) // 2, self.spec.max_depth) + 1):
            context = self._contexts.get(tuple(path[-2 * depth :: 2]))
            if context is None:
                return probability, depth - 1, known
            within = context.within(horizon_ns)
            probability = (within + probability) / (context.ended + 1)
            known = context
        return probability, min(len(path) // 2, self.spec.max_depth), known

    # --- checkpoints ----------------------------------------------------------------

    def snapshot(self, codec: Codec) -> Any:
        """Return the model as JSON-able data."""
        contexts = [
            [list(key), item.snapshot()] for key, item in self._contexts.items()
        ]
        return {"events": self.events, "contexts": contexts}

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.events = data["events"]
        self._contexts.clear()
        for key, item in data["contexts"]:
            context = self._contexts[tuple(key)] = Context()
            context.restore(item)


def wilson(probability: float, runs: int) -> tuple[float, float]:
    """Return the 90 % score interval of a probability estimated from `runs` runs.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical
    inference, JASA 22 (1927).
    """
    if not runs:
        return 0.0, 1.0
    squared = Z_90 * Z_90
    center = probability + squared / (2 * runs)
    spread = probability * (1 - probability) / runs + squared / (4 * runs * runs)
    whole = 1 + squared / runs
    half = Z_90 * sqrt(spread)
    lower = max(0.0, (center - half) / whole)
    upper = min(1.0, (center + half) / whole)
    return min(lower, probability), max(upper, probability)


class ForecastRuns(RunTable):
    """Runs of which the ended ones teach a model.

    A run's `path` is what it took, None once something was learned from it.
    """

    __slots__ = ("_model",)

    def __init__(self, shape: RunShape, clock: StreamClock, model: Forecaster) -> None:
        super().__init__(shape, clock)
        self._model = model

    def kill(self, run: Run) -> None:
        """End a run that a negation applies to."""
        if run.path is not None:
            self._model.lose(run)
        super().kill(run)

    def overflow(self, run: Run) -> None:
        """End a run that took too many events; nothing follows from that."""
        run.path = None
        super().overflow(run)

    def forget(self, run: Run) -> None:
        """Take a run out; one that did not match before met its deadline."""
        if run.path is not None:
            awaiting = self.shape.awaiting
            places = [getattr(run, column) for column in self.shape.columns]
            if awaiting and all(place in awaiting for place in places):
                self._model.awaited(run)
            else:
                self._model.lose(run)
        super().forget(run)
