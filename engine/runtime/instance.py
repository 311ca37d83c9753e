"""A compiled program with everything it needs to run."""

import threading
import traceback
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import vpl
from engine.adaptation import Adaptation
from engine.errors import LoadError
from engine.limits import Limits
from engine.runtime.clock import Clock
from engine.runtime.codec import StateCodec
from engine.runtime.frame import Budget, Frame, StreamStopped
from engine.runtime.state import FOREVER

if TYPE_CHECKING:
    from engine.compiler.codegen import Compiled

Run = Callable[[Any, list[Any]], None]
RunOne = Callable[[str, Any, list[Any]], None]


class Instance:
    """The module of a compiled program, loaded: globals set, frames and budgets made.

    `budgets` and `faulted` are per context, `frames` per stream. A `Compiled` is instantiated once.
    """

    def __init__(self, compiled: "Compiled", limits: Limits, clock: Clock) -> None:
        self.compiled = compiled
        self.codec = StateCodec(compiled.fields, compiled.row_class)
        self.adaptation = Adaptation(compiled.plan.program)
        self.budgets = {
            context: Budget(limits.cpu_s_per_event)
            for context in compiled.plan.contexts
        }
        self.faulted: dict[str, list[Frame]] = {c: [] for c in compiled.plan.contexts}
        self.frames = []
        for stream in compiled.plan.streams:
            budget = self.budgets[stream.context]
            frame = Frame(stream.name, budget, limits, clock, stream.aliases)
            frame.faulted = self.faulted[stream.context]
            self.frames.append(frame)
        for slot in compiled.states:
            slot.state.bind(self.frames[slot.stream], limits)
        values = compiled.values
        values |= {f"x{at}": frame for at, frame in enumerate(self.frames)}
        values["G_LOCK"] = threading.RLock()
        values["LIMIT"] = limits.outputs_per_event
        values["BUDGET"] = next(iter(self.budgets.values()), None)
        # generated code: names are made by the compiler, texts are values
        exec(compiled.code, values)  # noqa: S102
        self.load_frame = Frame("", Budget(limits.cpu_s_per_event), limits, clock)
        self.set_globals({})
        if compiled.queued is not None:
            compiled.queued.link(values)

    def set_globals(self, kept: Mapping[str, Any]) -> None:
        """Set the globals in program order; `let` and `const` in `kept` are taken over.

        `kept` has values by attribute. Raises `LoadError` when time or depth run out.
        """
        empty = [None] * len(self.compiled.row_class.__struct_fields__)
        self.load_frame.row = self.compiled.row_class(*empty)
        self.load_frame.eval_errors.clear()
        self.load_frame.budget.restart()
        try:
            self.compiled.values["load"](self.load_frame, 0, kept)
        except StreamStopped as stopped:
            raise LoadError(f"setting the globals: {stopped.message}") from stopped

    def fingerprint(self, stream: int) -> str:
        """Return the fingerprint of a stream with all that it uses."""
        return self._fingerprints.of(self.compiled.plan.streams[stream].name)

    @cached_property
    def global_fingerprints(self) -> dict[str, str]:
        """The fingerprints of the globals by name."""
        return vpl.global_fingerprints(self.compiled.plan.program)

    @cached_property
    def _fingerprints(self) -> vpl.StreamFingerprints:
        return vpl.StreamFingerprints(self.compiled.plan.program)

    @property
    def run(self) -> Run:
        """Return the loop over flat rows of a static program."""
        run: Run = self.compiled.values["run"]
        return run

    @cached_property
    def run_nested(self) -> Run:
        """The loop over envelopes around rows of a static program."""
        run: Run = self.compiled.function("run_nested")
        return run

    @cached_property
    def run_one(self) -> RunOne:
        """The function for type and row of one event of a static program."""
        run_one: RunOne = self.compiled.function("run_one")
        return run_one

    def ending(self, stream: int) -> Callable[..., None]:
        """Return the function that works off what is due in a stream with deadlines."""
        end: Callable[..., None] = self.compiled.values[f"end{stream}"]
        return end

    def waiting(self) -> list[int]:
        """Return the streams in which something is due some time, in order."""
        clocks = self.compiled.clocks
        return [at for at in sorted(clocks) if clocks[at].due < FOREVER]

    @property
    def unrouted(self) -> int:
        """Return how many events nobody consumed."""
        count: int = self.compiled.values["UNROUTED"][0]
        return count

    @unrouted.setter
    def unrouted(self, count: int) -> None:
        self.compiled.values["UNROUTED"][0] = count

    @property
    def type_mismatches(self) -> int:
        """Return how many fields of declared events were of another kind."""
        return self.adaptation.mismatches

    @type_mismatches.setter
    def type_mismatches(self, count: int) -> None:
        self.adaptation.mismatches = count

    def count_unrouted(self) -> None:
        """Count an event nobody consumes."""
        self.compiled.values["UNROUTED"][0] += 1

    def vpl_line(self, error: BaseException) -> int:
        """Return the program line where generated code failed, 0 if unknown."""
        from engine.compiler.codegen import FILE_NAME  # loaded: it made the program

        line_map = self.compiled.line_map
        for place in reversed(traceback.extract_tb(error.__traceback__)):
            if place.filename == FILE_NAME and place.lineno is not None:
                return line_map[place.lineno - 1] if place.lineno else 0
        return 0
