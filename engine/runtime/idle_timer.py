"""Time that runs on while no event comes (vpl.md 12.3), and ticks in wall time.

A pipeline on a server follows the clock of the machine: the clock of a stream is taken
to run on with wall time since the last arrival, less a grace for events that are late.
What is due by then is worked off in the context of the stream.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.event import Event
from engine.runtime.clock import Clock
from engine.runtime.executors import Due
from engine.runtime.instance import Instance
from engine.runtime.state import FOREVER
from engine.runtime.timers import TICK_FIELD, Ticks, Timer
from engine.runtime.values import NS_PER_S

logger = logging.getLogger("varpulis")

LOOK_EVERY_NS: Final = 100_000_000
CLOSE_TIMEOUT_S: Final = 5.0
FindDue = Callable[[], list[Due]]


@dataclass(frozen=True, slots=True)
class TimedProgram:
    """The program that runs at the moment, which waits so long for late events."""

    instance: Instance
    ticks: Ticks
    grace_ns: int

    @property
    def is_timed(self) -> bool:
        """Tell whether time alone may cause something."""
        streams = self.instance.compiled.plan.streams
        return bool(self.ticks.every) or any(s.has_deadlines for s in streams)


@dataclass(frozen=True, slots=True)
class Caller:
    """What the idle timer does with a pipeline.

    `program` returns the one that runs, `advance` works off what a function finds to
    be due, called while nothing moves, and `deliver` handles an event nobody waits for.
    """

    program: Callable[[], TimedProgram]
    advance: Callable[[FindDue], None]
    deliver: Callable[[Event], None]


class IdleTimer:
    """Looks at the clock of the machine now and then, or when it is told to.

    `monotonic_ns` gives the time that passes; `clock` dates ticks.
    """

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._monotonic_ns = monotonic_ns
        self._program: TimedProgram | None = None
        self._arrivals: dict[int, tuple[int, int]] = {}
        self._next_ns: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    # --- in a thread of its own -----------------------------------------------------

    def take_up(self, program: TimedProgram, name: str | None) -> None:
        """Have timers follow wall time; start the thread `name` if there is need."""
        program.ticks.stop()
        if name is None or self._thread is not None or not program.is_timed:
            return
        self._thread = threading.Thread(
            target=self._run, name=f"clock {name}", daemon=True
        )
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether there is a thread that looks at the clock."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End the thread; what it does just now is finished first."""
        self._stopped.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            try:
                wait_s = self.look() / NS_PER_S
            except Exception:  # boundary of the thread: time must run on
                logger.exception("looking at the clock failed")
                wait_s = LOOK_EVERY_NS / NS_PER_S

    # --- one look -------------------------------------------------------------------

    def look(self) -> int:
        """Work off what is due by now; returns in how many ns to look again."""
        now = self._monotonic_ns()
        program = self._caller.program()
        if program != self._program:
            self._begin(program, now)
        for event in self._ticks(program.ticks, now):
            self._caller.deliver(event)
        if self._arrivals:
            self._caller.advance(lambda: self._due(program, now))
        next_tick = min(self._next_ns.values(), default=now + LOOK_EVERY_NS)
        return max(0, min(LOOK_EVERY_NS, next_tick - self._monotonic_ns()))

    def _begin(self, program: TimedProgram, now: int) -> None:
        """Let time begin for a program; timers of the one before go on."""
        before = self._next_ns
        self._program = program
        self._next_ns = {
            timer.type: before.get(timer.type, now + timer.delay_ns)
            for timer in program.ticks.every
        }
        plan = program.instance.compiled.plan
        self._arrivals = {
            stream.index: (program.instance.frames[stream.index].events_in, now)
            for stream in plan.streams
            if stream.has_deadlines
        }

    def _due(self, program: TimedProgram, now: int) -> list[Due]:
        """Return the streams in which something is due, with their time in ns."""
        return list(self._find_due(program, now))

    def _find_due(self, program: TimedProgram, now: int) -> Iterator[Due]:
        instance = program.instance
        for at, (seen, since) in self._arrivals.items():
            events = instance.frames[at].events_in
            if events != seen:
                self._arrivals[at] = (events, now)
                continue
            clock = instance.compiled.clocks[at]
            time = clock.now + (now - since) - program.grace_ns
            if clock.due < FOREVER and time >= clock.due:
                yield at, time

    def _ticks(self, ticks: Ticks, now: int) -> Iterator[Event]:
        """Yield the last tick of each timer that is due; those before it are missed."""
        for timer in ticks.every:
            due = self._next_ns[timer.type]
            if due <= now:
                missed = (now - due) // timer.every_ns
                moment = due + missed * timer.every_ns
                self._next_ns[timer.type] = moment + timer.every_ns
                yield self._tick(timer, missed, now - moment)

    def _tick(self, timer: Timer, missed: int, age_ns: int) -> Event:
        if missed:
            timer.miss(missed)
        number = timer.tick
        timer.tick += 1
        return Event(timer.type, {TICK_FIELD: number}, self._clock.now_ns() - age_ns)
