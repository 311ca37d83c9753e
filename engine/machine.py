"""A loaded program with all that runs it: what a reload exchanges as a whole."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import vpl
from engine import checkpoint as checkpoints
from engine.compiler.guarding import refused_connectors
from engine.compiler.sourceports import source_ports
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.connectors.guard import Guard
from engine.encoding import encode
from engine.errors import InvalidProgramError
from engine.limits import Limits
from engine.outside import Outside
from engine.rows import Rows, Shape
from engine.runtime.clock import Clock
from engine.runtime.columns import count_events
from engine.runtime.contexts import ContextExecutor
from engine.runtime.enriching import Enrichment, LookupHub
from engine.runtime.executors import Executor, QueueExecutor, StaticExecutor, Watch
from engine.runtime.idle_timer import TimedProgram
from engine.runtime.instance import Instance
from engine.runtime.scoring import Scorer
from engine.runtime.sinkhub import SinkHub
from engine.runtime.sourcehub import SourceHub
from engine.runtime.timers import Ticks, Timer
from engine.runtime.values import NS_PER_S
from engine.wire import RowDecoder

if TYPE_CHECKING:
    from engine.compiler.codegen import Compiled

PYTHON_FRAMES_PER_CALL: Final = 8  # a call through a builtin and a lambda


def load_program(
    source: str, outside: Outside, imports: vpl.Imports | None
) -> tuple["Compiled", tuple[vpl.Diagnostic, ...]]:
    """Return a checked program as code, and its warnings.

    Raises `InvalidProgramError` with all findings if there is an error among them.
    """
    # Here, not above: a worker opens its port in half the time without the compiler.
    from engine.compiler.codegen import compile_plan

    checked = vpl.check(source, imports=imports, host=outside.host)
    if not checked.valid:
        raise InvalidProgramError(checked.diagnostics)
    guard = outside.guard
    if guard and (refused := refused_connectors(checked.program, guard)):
        raise InvalidProgramError((*checked.diagnostics, *refused))
    return compile_plan(checked.program), checked.diagnostics


def _allow_recursion(limits: Limits) -> None:
    """Let Python go as deep as the limit of the language, for the whole process."""
    needed = 1000 + PYTHON_FRAMES_PER_CALL * limits.recursion_depth
    if sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)


class Machine:
    """One program, compiled and connected; a pipeline runs one at a time.

    With `since`, connectors whose parameters have not changed are taken over from the
    machine before, open as they are.
    """

    def __init__(
        self,
        name: str,
        compiled: "Compiled",
        limits: Limits,
        clock: Clock,
        outside: Outside,
        *,
        since: "Machine | None" = None,
    ) -> None:
        _allow_recursion(limits)
        plan = compiled.plan
        self.name = name
        self.limits = limits
        self.compiled = compiled
        self.consumes = frozenset(plan.consumed)
        self.shape = Shape(compiled.row_class, dict(compiled.fields.attributes))
        self.instance = Instance(compiled, limits, clock)
        indexes = range(len(plan.streams))
        self.blank = [checkpoints.contents(self.instance, at) for at in indexes]
        self.sinks: SinkHub = SinkHub(
            compiled.ports,
            outside.sinks,
            name,
            since=None if since is None else since.sinks,
        )
        self.sources: SourceHub = SourceHub(
            source_ports(plan),
            outside.sources,
            name,
            outside.dead_letters,
            since=None if since is None else since.sources,
        )
        states = [slot.state for slot in compiled.states]
        for state in states:
            if isinstance(state, Scorer):
                state.open(outside.guard or Guard())
        enrichments = [state for state in states if isinstance(state, Enrichment)]
        self.lookups = LookupHub(enrichments, outside.lookups, name)
        self.adaptation = self.instance.adaptation
        self.decoder = RowDecoder(
            compiled.fields, compiled.row_class, self.adaptation, clock
        )
        self.is_parallel = plan.is_threaded
        timers = [slot.state for slot in compiled.states]
        self.ticks = Ticks(
            [timer for timer in timers if isinstance(timer, Timer)],
            self.decoder.row,
            limits,
        )
        grace_ns = round(limits.idle_grace_s * NS_PER_S)
        self.timed = TimedProgram(self.instance, self.ticks, grace_ns)
        self.executor = self._make_executor(limits)
        has_columns = bool(plan.symbols.columned)
        self.count_outputs: Callable[[list[Any]], int] = (
            count_events if has_columns else len
        )
        self._reject_into(outside.dead_letters or DeadLetters())

    def hand_late_outputs_to(self, take: Watch) -> None:
        """Have `take` called with what comes after its caller went on without it."""
        if isinstance(self.executor, ContextExecutor):
            self.executor.on_late = take

    def _make_executor(self, limits: Limits) -> Executor:
        if self.is_parallel:
            return ContextExecutor(self.instance, self.sinks, limits, self.ticks)
        if self.compiled.queued is not None:
            return QueueExecutor(self.instance, self.sinks, limits, self.ticks)
        return StaticExecutor(self.instance, self.sinks)

    def _reject_into(self, letters: DeadLetters) -> None:
        """Let `.on_error("dead_letter")` reach the dead letters."""
        for frame in self.instance.frames:
            origin = Origin(self.name, frame.stream, "", "evaluation error")

            def reject(event: dict[str, Any], origin: Origin = origin) -> None:
                letters.write(origin, [encode(event)])

            frame.reject = reject

    def taken(self, rows: Rows, family: str | None) -> Rows:
        """Return rows as this program takes them, made anew if another decoded them.

        Events of a type it does not consume are delivered as `family` if it consumes
        that.
        """
        if rows.shape is not self.shape:
            rows = Rows(self.shape, self._rows_of(rows), is_nested=True)
        if family is not None and family in self.consumes:
            rows.deliver_as(family, self.consumes)
        return rows

    def _rows_of(self, rows: Rows) -> list[Any]:
        attributes = rows.shape.attributes
        return [
            self.decoder.envelope_of(
                row.t, row.fields if rows.is_nested else row, attributes
            )
            for row in rows.rows
        ]

    def close(self, timeout_s: float, *, except_for: "Machine | None" = None) -> None:
        """Finish what was begun and let go of connectors no other machine uses."""
        self.executor.close(timeout_s)
        kept = None if except_for is None else except_for.sinks
        self.sinks.close(timeout_s, except_for=kept)
        self.lookups.close()
