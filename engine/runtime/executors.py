"""Running a program in the caller's thread."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from engine.compiler.plan import DEFAULT_CONTEXT
from engine.limits import Limits
from engine.runtime.columns import count_events
from engine.runtime.frame import cut, drain
from engine.runtime.instance import Instance
from engine.runtime.lane import Item, Lane
from engine.runtime.sinkhub import SinkHub
from engine.runtime.state import END_OF_TIME
from engine.runtime.timers import Ticks

logger = logging.getLogger("varpulis")


Faults = list[dict[str, Any]]
Watch = Callable[[list[Any], Faults], None]
"""Told of outputs, as a reply has them, and of faults."""
OnTaken = Callable[[], None]
"""Called once the rows have their place in the order of all rows."""
Executed = tuple[list[Any], Faults, bool, int]
"""Outputs, faults, whether everything is done, and how many rows were taken."""

Due = tuple[int, int]
"""A stream by index, and the time in ns up to which it works off what is due."""


class ExecutorClosedError(Exception):
    """Rows were given to an executor that is closed; none of them was taken."""


class Executor(Protocol):
    """Runs rows through a program; one caller at a time unless it says otherwise."""

    def start(self) -> None:
        """Start threads if it has any."""
        ...

    def execute(
        self,
        rows: Sequence[Any],
        is_nested: bool,
        timeout_s: float,
        on_taken: OnTaken | None = None,
    ) -> Executed:
        """Run rows in order and return everything they caused.

        Executors that take one caller at a time never call `on_taken`.
        """
        ...

    def standing_still(self) -> AbstractContextManager[None]:
        """Return a context in which nothing moves, between two events.

        Executors that take one caller at a time rely on it that there is none.
        """
        ...

    def flush(self) -> Executed:
        """Let time run to infinity and return what that caused."""
        ...

    def advance(self, due: Sequence[Due]) -> Executed:
        """Work off what is due in streams without an event, and return what it caused."""
        ...

    def close(self, timeout_s: float) -> None:
        """Finish what was begun and stop threads."""
        ...


def report_crash(instance: Instance, error: Exception, context: str) -> dict[str, Any]:
    """Log an error of generated code and return the fault R005.

    Leaves the frames of the context ready for the next event.
    """
    for frame in instance.frames:
        if frame.budget is instance.budgets[context]:
            frame.forget_emits()
    line = instance.vpl_line(error)
    logger.error("internal error at VPL line %d", line, exc_info=error)
    message = f"internal error at line {line}: {error.__class__.__name__}"
    return {"code": "R005", "stream": "", "message": message}


class StaticExecutor:
    """Runs the one loop of a static program.

    `faulted` and `crashes` hold what the reply has to tell, until `take_faults`.
    """

    def __init__(self, instance: Instance, hub: SinkHub) -> None:
        self._instance = instance
        self._hub = hub
        self.crashes: Faults = []
        self._ports = instance.compiled.ports
        self.faulted = instance.faulted.get(DEFAULT_CONTEXT, [])
        self._run = instance.run

    def start(self) -> None:
        """Do nothing: there are no threads."""

    def execute(
        self,
        rows: Sequence[Any],
        is_nested: bool,
        timeout_s: float,
        on_taken: OnTaken | None = None,
    ) -> Executed:
        """Run rows; an internal error costs the event it happened on."""
        outputs: list[Any] = []
        run = self._instance.run_nested if is_nested else self._run
        remaining = iter(rows)
        while True:
            try:
                run(remaining, outputs)
                break
            except Exception as error:  # boundary to generated code
                self.crashed(error)
        if self._ports:
            self._hub.flush(self._ports, self._instance.frames)
        return outputs, self.take_faults(), True, len(rows)

    def standing_still(self) -> AbstractContextManager[None]:
        """Return a context without effect: nothing moves between calls."""
        return nullcontext()

    def flush(self) -> Executed:
        """Work off what is due some time, stream by stream."""
        return self.advance([(at, END_OF_TIME) for at in self._instance.waiting()])

    def advance(self, due: Sequence[Due]) -> Executed:
        """Work off what is due in streams."""
        outputs: list[Any] = []
        for stream, now in due:
            try:
                self._instance.ending(stream)(now, outputs)
            except Exception as error:  # boundary to generated code
                self.crashed(error)
        self._hub.flush(self._ports, self._instance.frames)
        return outputs, self.take_faults(), True, 0

    @property
    def has_sinks(self) -> bool:
        """Tell whether events have to be sent on after each call."""
        return bool(self._ports)

    def crashed(self, error: Exception) -> None:
        """Report an internal error of the event at hand as a fault of it."""
        self.crashes.append(report_crash(self._instance, error, DEFAULT_CONTEXT))

    def take_faults(self) -> Faults:
        """Return and forget the faults since the last call."""
        faults = drain(self.faulted) + self.crashes
        self.crashes.clear()
        return faults

    def close(self, timeout_s: float) -> None:
        """Do nothing: every call finished what it began."""


class QueueExecutor:
    """Runs a program that needs a queue, without threads."""

    def __init__(
        self, instance: Instance, hub: SinkHub, limits: Limits, ticks: Ticks
    ) -> None:
        self._instance = instance
        self._hub = hub
        self._ticks = ticks
        self._routes = instance.compiled.routes
        self._budget = next(iter(instance.budgets.values()))
        bound = limits.outputs_per_event
        self._lane = Lane(DEFAULT_CONTEXT, instance.frames, bound)

    def start(self) -> None:
        """Do nothing: there are no threads."""

    def execute(
        self,
        rows: Sequence[Any],
        is_nested: bool,
        timeout_s: float,
        on_taken: OnTaken | None = None,
    ) -> Executed:
        """Run rows one by one."""
        outputs: list[Any] = []
        crashes: Faults = []
        has_timers = bool(self._ticks.timers)
        for envelope in rows:
            row = envelope.fields if is_nested else envelope
            if has_timers and row.ts >= self._ticks.due:
                self._tick(row.ts, outputs, crashes)
            self._one(envelope.t, row, outputs, crashes)
        self._hub.flush(self._instance.compiled.ports, self._instance.frames)
        faults = drain(self._instance.faulted[DEFAULT_CONTEXT]) + crashes
        return outputs, faults, True, len(rows)

    def _tick(self, now: int, outputs: list[Any], crashes: Faults) -> None:
        """Run the ticks before an event at `now`; their outputs count as its own."""
        start, count = len(outputs), 0
        for event_type, tick in self._ticks.until(now):
            known = len(outputs)
            self._one(event_type, tick, outputs, crashes)
            count += count_events(outputs[known:])
            if count > self._lane.bound:
                cut(outputs, start, self._ticks.frame)
                return

    def _one(
        self, event_type: str, row: Any, outputs: list[Any], crashes: Faults
    ) -> None:
        route = self._routes.get(event_type)
        if route is None:
            self._instance.count_unrouted()
            return
        for functions in route.by_context.values():
            item = (row, event_type, functions, 0, -1)
            self._work_off(item, outputs, crashes)

    def _work_off(self, item: Item, outputs: list[Any], crashes: Faults) -> None:
        """Handle one item and all that it causes."""
        lane = self._lane
        lane.begin(set())
        self._budget.restart()
        lane.pending.append(item)
        try:
            lane.run()
        except Exception as error:  # boundary to generated code
            crashes.append(report_crash(self._instance, error, DEFAULT_CONTEXT))
        outputs.extend(output for _, _, output in lane.made)

    def standing_still(self) -> AbstractContextManager[None]:
        """Return a context without effect: nothing moves between calls."""
        return nullcontext()

    def flush(self) -> Executed:
        """Work off what is due some time, stream by stream, until nothing is."""
        outputs: list[Any] = []
        faults: Faults = []
        for _ in self._instance.frames:
            for stream in self._instance.waiting():
                made, found, _, _ = self.advance([(stream, END_OF_TIME)])
                outputs += made
                faults += found
        return outputs, faults, True, 0

    def advance(self, due: Sequence[Due]) -> Executed:
        """Work off what is due in streams and what that causes."""
        outputs: list[Any] = []
        crashes: Faults = []
        for stream, now in due:
            end = self._instance.ending(stream)
            self._work_off((now, "", [end], 0, -1), outputs, crashes)
        self._hub.flush(self._instance.compiled.ports, self._instance.frames)
        faults = drain(self._instance.faulted[DEFAULT_CONTEXT]) + crashes
        return outputs, faults, True, 0

    def close(self, timeout_s: float) -> None:
        """Do nothing: every call finished what it began."""
