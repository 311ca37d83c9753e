"""Where generated code is at the moment, and how long it may stay there."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.clock import Clock
from engine.runtime.columns import Columns, cut_events

TICK_UNITS: Final = 4096  # loop turns and calls between two looks at the clock
LOOP_TURNS: Final = 64  # turns a loop runs between two looks at the frame
GRACE: Final = 0.1  # part of the budget left to the other streams after a stop


class StreamStopped(Exception):  # noqa: N818 - control flow of generated code, no error
    """The stream at hand may not go on with this event."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class EventSkipped(StreamStopped):
    """An event is dropped because its evaluation was counted (`.on_error`).

    `event` is the event as a map if it goes to the dead letters.
    """

    def __init__(self, event: dict[str, Any] | None = None) -> None:
        self.event = event
        super().__init__("", "an evaluation error")


class OutputsExceeded(StreamStopped):
    """A stream made more outputs for one event than it may; the first ones count."""


class Budget:
    """CPU time one context may spend on one injected event (R001).

    The clock starts at the first look, at most `TICK_UNITS` units into the event, so
    events that never loop pay nothing. After a stop the remaining streams share
    `GRACE` of the budget: a runaway stream does not take the others down.
    """

    __slots__ = ("clock", "graced", "limit_s", "started")

    def __init__(
        self, limit_s: float, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self.limit_s = limit_s
        self.clock = clock
        self.started: float | None = None
        self.graced = False

    def restart(self) -> None:
        """Begin a new event."""
        self.started = None
        self.graced = False

    def check(self) -> None:
        """Raise `StreamStopped` when the budget is used up."""
        now = self.clock()
        if self.started is None:
            self.started = now
        elif now - self.started > self.limit_s:
            if not self.graced:
                self.graced = True
                self.started = now - self.limit_s * (1 - GRACE)
            message = f"the time budget of {self.limit_s:g} s CPU per event is used up"
            raise StreamStopped("R001", message)

    def spent_s(self) -> float:
        """Return the CPU time since the first look."""
        return 0.0 if self.started is None else self.clock() - self.started

    def resume(self, spent_s: float) -> None:
        """Go on with an event on which `spent_s` were spent before."""
        self.started = self.clock() - spent_s if spent_s else None
        self.graced = False


class Frame:
    """What one stream hands to the expressions and functions it evaluates.

    `row` and `type` are the current event, `emits` collects what `emit` makes (None
    outside `.process`): outputs, and columns that hold `columned` events more than they
    are items. `n` counts down to the next look at the clock, `aliases` are
    the names of the whole event, `bound` the rows behind the aliases of a match or join,
    `partition` the key of the event, `errors` counts evaluation errors, `reject` takes an
    event to the dead letters. It keeps the stream's counters too. One thread uses a
    frame at a time. A frame with undrained faults is in `faulted`, which the frames of
    one context share.
    """

    __slots__ = (
        "aliases",
        "bound",
        "budget",
        "clock",
        "columned",
        "counts",
        "depth_limit",
        "dropped",
        "emits",
        "errors",
        "eval_errors",
        "events_in",
        "events_out",
        "faulted",
        "faults",
        "gauges",
        "limits",
        "n",
        "outputs",
        "partition",
        "reject",
        "row",
        "sink_sent",
        "stopped",
        "stream",
        "taps",
        "type",
    )

    def __init__(
        self,
        stream: str,
        budget: Budget,
        limits: Limits,
        clock: Clock,
        aliases: frozenset[str] = frozenset(),
    ) -> None:
        self.stream = stream
        self.budget = budget
        self.limits = limits
        self.clock = clock
        self.aliases = aliases
        self.depth_limit = limits.recursion_depth
        self.bound: dict[str, Any] = {}
        self.partition: Any = None
        self.row: Any = None
        self.type: str | None = None
        self.emits: list[Any] | None = None
        self.columned = 0
        self.n = TICK_UNITS
        self.events_in = 0
        self.events_out = 0
        self.outputs = 0
        self.sink_sent = 0
        self.counts: dict[str, int] = {}
        self.gauges: list[Callable[[], dict[str, int]]] = []
        self.dropped: dict[str, int] = {}
        self.errors = 0
        self.eval_errors: dict[str, int] = {}
        self.reject: Callable[[dict[str, Any]], None] | None = None
        self.faults: dict[str, str] = {}
        self.faulted: list[Frame] = []
        self.stopped: dict[str, int] = {}
        self.taps: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}

    def emit_columns(self, made: Iterable[Columns]) -> None:
        """Emit events in columns; does nothing outside `.process`."""
        if self.emits is not None:
            for columns in made:
                self.emits.append(columns)
                self.columned += len(columns) - 1

    def forget_emits(self) -> None:
        """Drop what was emitted for this event."""
        self.emits = None
        self.columned = 0

    def count(self, reason: str) -> None:
        """Count an evaluation error; its value is null."""
        self.errors += 1
        self.eval_errors[reason] = self.eval_errors.get(reason, 0) + 1

    def tally(self, name: str, amount: int = 1) -> None:
        """Add to a counter of vpl.md section 19 (`late_events`, `runs_expired` ..)."""
        self.counts[name] = self.counts.get(name, 0) + amount

    def drop(self, kind: str, amount: int = 1) -> None:
        """Count state of one kind that was dropped at its bound."""
        self.dropped[kind] = self.dropped.get(kind, 0) + amount

    def fault(self, code: str, message: str) -> None:
        """Report a fault of this event to the sender; its value is null."""
        if not self.faults:
            self.faulted.append(self)
        self.faults.setdefault(code, message)
        self.stopped[code] = self.stopped.get(code, 0) + 1

    def stop(self, stopped: StreamStopped) -> None:
        """Note that the stream was stopped for this event."""
        self.forget_emits()
        if isinstance(stopped, EventSkipped):
            self.drop("events")
            if stopped.event is not None and self.reject is not None:
                self.reject(stopped.event)
            return
        self.fault(stopped.code, stopped.message)

    def take_faults(self) -> list[dict[str, Any]]:
        """Return and forget the faults, in order."""
        found = [
            {"code": code, "stream": self.stream, "message": message}
            for code, message in self.faults.items()
        ]
        self.faults = {}
        return found


def drain(faulted: list[Frame]) -> list[dict[str, Any]]:
    """Return and forget the faults of the frames that share `faulted`."""
    if not faulted:
        return []
    found = [fault for frame in faulted for fault in frame.take_faults()]
    faulted.clear()
    return found


def tick(frame: Frame) -> None:
    """Look at the clock and at the number of emitted events."""
    frame.n = TICK_UNITS
    frame.budget.check()
    emits = frame.emits
    bound = frame.limits.outputs_per_event
    if emits is not None and len(emits) + frame.columned > bound:
        raise OutputsExceeded("R003", f"more than {bound} outputs for one event")


def more_turns(frame: Frame, left: int) -> int:
    """Pay for the next loop turns of a function and return how many they are.

    `left` is what the function has still; below zero it owes that.
    """
    frame.n -= LOOP_TURNS - left
    if frame.n < 0:
        tick(frame)
    return LOOP_TURNS


def paying(call: Callable[..., Any], place: int) -> Callable[..., Any]:
    """Return `call` with a look at the clock after it if it did much work.

    The frame is the argument at `place`. Only for code that may be stopped.
    """

    def paid(*args: Any) -> Any:
        value = call(*args)
        frame = args[place]
        if frame.n < 0:
            tick(frame)
        return value

    return paid


def emitted(frame: Frame, emits: list[Any]) -> list[Any]:
    """Close the list of a `.process`, cut to the bound on outputs (R003)."""
    frame.emits = None
    bound = frame.limits.outputs_per_event
    if len(emits) + frame.columned > bound:
        cut_events(emits, bound)
        frame.fault("R003", f"more than {bound} outputs for one event")
    frame.columned = 0
    return emits


def cut(outputs: list[Any], start: int, frame: Frame) -> None:
    """Keep the first outputs of an event, which begin at `start` (R003)."""
    bound = frame.limits.outputs_per_event
    made = outputs[start:]
    cut_events(made, bound)
    outputs[start:] = made
    frame.fault("R003", f"more than {bound} outputs for one event")


def too_deep(frame: Frame) -> None:
    """Give null for a call beyond the recursion depth (R002)."""
    depth = frame.depth_limit
    frame.fault("R002", f"calls are nested deeper than {depth}")


def too_large(frame: Frame, what: str) -> None:
    """Give null for a value beyond the bounds (R004)."""
    frame.fault("R004", f"{what} is too large")


def bounded(text: str, x: Frame) -> str | None:
    """Return `text` if it is not too large (R004)."""
    if len(text) <= x.limits.text_chars:
        return text
    too_large(x, "a text")
    return None
