"""Pipelines: programs that take events."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import vpl
from engine import checkpoint as checkpoints
from engine.audience import Audience
from engine.connectors.base import (
    ConnectorSpec,
    Sink,
)
from engine.errors import (
    BadEventError,
    PipelineClosedError,
    QueueFullError,
)
from engine.event import Event
from engine.explain import explain
from engine.limits import Limits
from engine.machine import Machine, load_program
from engine.metrics import PipelineMetrics
from engine.outside import Outside
from engine.quick import Gate, Process, quick_process
from engine.reply import QUEUE_FULL, BatchReply, OutputForm, Reply
from engine.rows import Rows, Shape
from engine.runtime.clock import Clock
from engine.runtime.executors import (
    Executed,
    ExecutorClosedError,
    Faults,
    OnTaken,
    Watch,
)
from engine.runtime.idle_timer import Caller, FindDue, IdleTimer
from engine.runtime.measure import measure
from engine.runtime.sourcehub import Intake, Subscription
from engine.wire import BatchForm, parse_event

if TYPE_CHECKING:
    from engine.compiler.codegen import Compiled

UNHURRIED_S: Final = 1e9  # nobody waits for what sources bring
CLOSE_TIMEOUT_S: Final = 5.0  # for connectors that a reload leaves behind


class Pipeline:
    """A running program; `diagnostics` are the warnings and hints about it.

    Any thread may call any method. Without contexts events are handled one after the
    other in the threads that bring them; with contexts each context is a thread, and
    events run side by side where callers come in several threads (`is_parallel`).

    `process` handles the JSON of one event and returns that of the inject reply
    (vpl.md 18.2): the quickest way in. Like batches it skips fields nobody reads, and
    it raises what `inject` raises. `on_outputs` is called with outputs that nobody waits
    for, such as those of sources, or late ones; set it before `start`. `watch` tells all.
    """

    def __init__(
        self,
        name: str,
        loaded: tuple["Compiled", tuple[vpl.Diagnostic, ...]],
        limits: Limits,
        clock: Clock,
        outside: Outside,
    ) -> None:
        self.name = name
        self.audience = Audience(name)
        self._clock = clock
        self._outside = outside
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._is_started = self._is_closed = self._is_silent = False
        self._idle: IdleTimer | None = None
        self._counts = PipelineMetrics()
        self._gate = Gate(self._lock, self._counts)
        compiled, self.diagnostics = loaded
        machine = Machine(name, compiled, limits, clock, outside)
        self._shape_before = machine.shape
        self._run_by(machine)

    def _run_by(self, machine: Machine) -> None:
        """Make `machine` the one that handles events."""
        program = machine.compiled.plan.program
        if self._idle is not None:
            self._idle.take_up(machine.timed, self.name)
        self._machine = self._gate.machine = machine
        machine.hand_late_outputs_to(self.audience.take_late)
        self.program = program
        self.limits = machine.limits
        self.fingerprint = vpl.fingerprint(program)
        self.consumes = machine.consumes
        self.emits = vpl.emitted_types(program)
        self.streams = vpl.stream_names(program)
        self.is_parallel = machine.is_parallel
        self.process: Process = self._process_plainly

    @property
    def on_outputs(self) -> Callable[[list[Any]], None] | None:
        """What is called with outputs that nobody waits for."""
        return self.audience.on_outputs

    @on_outputs.setter
    def on_outputs(self, take: Callable[[list[Any]], None] | None) -> None:
        self.audience.on_outputs = take

    # --- life -----------------------------------------------------------------------

    def start(self) -> None:
        """Open sinks and start contexts; events start a pipeline by themselves."""
        with self._starting:
            if not self._is_started and not self._is_closed:
                self._machine.sinks.open()
                self._machine.executor.start()
                self._is_started = True
                self.process = self._quickest()
                self._machine.sources.open(self._intake)

    def watch(self, watcher: Watch) -> Callable[[], None]:
        """Tell of all outputs and faults, whoever waits for them; the answer ends that.

        The watcher is called between events: it has to be quick and must not raise.
        """
        with self._starting:
            self.audience.add(watcher)
            self.process = self._process_plainly

        def stop() -> None:
            with self._starting:
                self.audience.remove(watcher)
                if self._is_started and not self._is_closed:
                    self.process = self._quickest()

        return stop

    def _quickest(self) -> Process:
        plainly = self._process_plainly
        if self.audience:
            return plainly
        return quick_process(self._gate, self._machine, plainly) or plainly

    @property
    def _intake(self) -> Intake:
        def row(event: Event) -> Any:
            return self._machine.decoder.envelope(event)

        return Intake(row, self._take, self._take_lines)

    def silence(self, timeout_s: float = 5.0) -> None:
        """Let sources bring no more events; `inject` still does."""
        if self._is_started and not self._is_silent:
            self._is_silent = True
            self._machine.sources.close(timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Finish what was begun, deliver what sinks hold, and take no more events."""
        if not self._is_closed:
            self.silence(timeout_s)
        if self._idle is not None:
            self._idle.stop()
        with self._starting:
            if self._is_closed:
                return
            self._is_closed = True
            self._gate.machine = None
            self.process = self._process_plainly
        if self._is_started:
            with self._lock:
                self._machine.close(timeout_s)

    def flush(self) -> Reply:
        """Let time run to infinity after the last event, and return what that causes.

        Windows and sessions pass, waiting absences match (vpl.md 12.3).
        """
        if not self._is_started:
            self.start()
        with self._lock:
            self._refuse_if_closed()
            began = time.perf_counter()
            made, faults, is_complete, _ = self._machine.executor.flush()
            self._count(0, made, faults, began)
        return Reply(True, made, faults, is_complete)

    def run_clock(
        self,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        *,
        in_thread: bool = True,
    ) -> IdleTimer:
        """Let time run on while no event comes, and timers follow wall time.

        To be called once, before the first event. What that gives goes to consumers,
        sinks and `on_outputs`. Without a thread somebody has to call `look`.
        """
        caller = Caller(
            lambda: self._machine.timed,
            self._advance,
            lambda event: self._take([self._machine.decoder.envelope(event)]),
        )
        self._idle = IdleTimer(caller, self._clock, monotonic_ns)
        self._idle.take_up(self._machine.timed, self.name if in_thread else None)
        return self._idle

    def _advance(self, find: FindDue) -> None:
        """Work off what `find` finds to be due, which nobody waits for."""
        if not self._is_started:
            self.start()
        began = time.perf_counter()
        with self._lock:
            due = [] if self._is_closed else find()
            if not due:
                return
            made, faults, _, _ = self._machine.executor.advance(due)
            self._count(0, made, faults, began)
        self.audience.publish(made, faults)

    # --- state ----------------------------------------------------------------------

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        with self._lock:
            self._refuse_if_closed()
            if not self._is_started:
                yield
                return
            with self._machine.executor.standing_still():
                yield

    def checkpoint(self) -> checkpoints.Document:
        """Return the state as one JSON document (vpl.md section 16).

        It is taken between two events. Raises `PipelineClosedError`.
        """
        with self._standing_still():
            return checkpoints.take(self._machine.instance, self._counts)

    def restore(self, document: Any) -> checkpoints.Restored:
        """Go on from a checkpoint and return which streams do.

        Streams that have changed since start empty. Raises `CheckpointError`; the
        state is then as it was before.
        """
        with self._standing_still():
            machine = self._machine
            return checkpoints.apply(
                document, machine.instance, self._counts, machine.blank
            )

    def reload(
        self,
        source: str,
        *,
        imports: vpl.Imports | None = None,
        keeps_state: bool = True,
        limits: Limits | None = None,
    ) -> checkpoints.Restored:
        """Run another program from the next event on, and return which streams go on.

        Unchanged streams keep their state, connectors with unchanged parameters stay
        connected; `limits` take the place of those before. Raises `InvalidProgramError`
        and `LoadError`; the old program then runs on.
        """
        compiled, diagnostics = load_program(source, self._outside, imports)
        before = self._machine
        limits = limits or before.limits
        after = Machine(
            self.name, compiled, limits, self._clock, self._outside, since=before
        )
        with self._starting:
            with self._standing_still():
                document = checkpoints.take(before.instance, self._counts)
                if not keeps_state:
                    document |= {"streams": {}, "globals": {}}
                restored = checkpoints.apply(
                    document, after.instance, self._counts, after.blank
                )
                self._shape_before = before.shape
                self._run_by(after)
                self.diagnostics = diagnostics
                if self._is_started:
                    after.sinks.open()
                    after.executor.start()
                    self.process = self._quickest()
            before.sources.close(CLOSE_TIMEOUT_S, except_for=after.sources)
            before.close(CLOSE_TIMEOUT_S, except_for=after)
            if self._is_started:
                after.sources.open(self._intake)
        return restored

    @property
    def sinks(self) -> dict[str, Sink]:
        """Return the sinks by the name of their connector."""
        return dict(self._machine.sinks.sinks)

    @property
    def connections(self) -> tuple[tuple[ConnectorSpec, Sink], ...]:
        """Return the sinks with the connectors they belong to."""
        return self._machine.sinks.connections

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Return the sources with what they brought."""
        return self._machine.sources.subscriptions

    # --- events ---------------------------------------------------------------------

    def inject(
        self,
        event: Event,
        *,
        family: str | None = None,
        timeout_s: float | None = None,
        on_taken: OnTaken | None = None,
    ) -> Reply:
        """Handle one event and return everything it caused.

        An event of a type nobody consumes is delivered as `family` if somebody
        consumes that. Waits at most `timeout_s`. `on_taken` is called by parallel
        pipelines once later events cannot overtake this one. Raises `BadEventError`,
        and `QueueFullError` if earlier events left no room in that time.
        """
        machine = self._machine
        try:
            envelope = machine.decoder.envelope(event)
        except BadEventError:
            self._counts.rejected += 1
            raise
        rows = Rows(machine.shape, [envelope], is_nested=True)
        made, faults, is_complete, taken = self._execute(
            rows, family, self._reply_timeout_s(timeout_s), on_taken
        )
        if not taken:
            raise QueueFullError(f"pipeline '{self.name}' has no room for the event")
        return Reply(True, made, faults, is_complete)

    def _process_plainly(self, payload: bytes) -> bytes:
        try:
            event = parse_event(payload)
        except BadEventError:
            self._counts.rejected += 1
            raise
        return self.inject(event).to_json_bytes()

    def inject_batch(
        self,
        payload: bytes,
        *,
        form: BatchForm = "auto",
        family: str | None = None,
        outputs: OutputForm = "all",
        timeout_s: float | None = None,
        on_taken: OnTaken | None = None,
    ) -> BatchReply:
        """Handle the events of a batch in order.

        `payload` is NDJSON, a JSON array or `{"events": [..]}`. What is no event is
        rejected by its index, the others are handled; those for which earlier events
        left no room in time are rejected too. Raises `BadEventError` if the payload
        as a whole is no batch, and `QueueFullError` if there was no room for any.
        """
        began = time.perf_counter_ns()
        machine = self._machine
        batch = machine.decoder.decode(payload, form)
        rows = batch.rows
        wanted = Rows(machine.shape, rows, batch.is_nested)
        made, faults, is_complete, taken = self._execute(
            wanted, family, self._reply_timeout_s(timeout_s), on_taken
        )
        if taken < len(rows):
            if not taken:
                raise QueueFullError(f"pipeline '{self.name}' has no room for events")
            batch.reject_from(taken, QUEUE_FULL)
        self._counts.rejected += len(batch.rejected)
        elapsed_us = (time.perf_counter_ns() - began) // 1000
        kept = made if outputs == "all" else []
        return BatchReply(
            taken,
            kept,
            batch.rejected,
            faults,
            is_complete,
            machine.count_outputs(made),
            elapsed_us,
            outputs,
        )

    def _execute(
        self,
        rows: "Rows",
        family: str | None,
        timeout_s: float,
        on_taken: OnTaken | None,
    ) -> Executed:
        if not self._is_started:
            self.start()
        began = time.perf_counter()
        if self.is_parallel:
            return self._execute_beside(rows, family, timeout_s, on_taken)
        if not self._lock.acquire(timeout=timeout_s):
            return [], [], True, 0
        try:
            self._refuse_if_closed()
            if not self.is_parallel:
                ready = self._machine.taken(rows, family)
                executor = self._machine.executor
                done = executor.execute(ready.rows, ready.is_nested, timeout_s)
                self._count(len(ready.rows), done[0], done[1], began)
                return done
        finally:
            self._lock.release()
        return self._execute_beside(rows, family, timeout_s, on_taken)

    def _execute_beside(
        self,
        rows: "Rows",
        family: str | None,
        timeout_s: float,
        on_taken: OnTaken | None,
    ) -> Executed:
        """Execute rows while other callers do so too."""
        began = time.perf_counter()
        while self.is_parallel:
            self._refuse_if_closed()
            machine = self._machine
            ready = machine.taken(rows, family)
            try:
                done = machine.executor.execute(
                    ready.rows, ready.is_nested, timeout_s, on_taken
                )
            except ExecutorClosedError:  # the pipeline is closed or reloaded
                continue
            with self._lock:
                self._count(done[3], done[0], done[1], began)
            return done
        return self._execute(rows, family, timeout_s, on_taken)

    def _take(self, rows: list[Any]) -> None:
        """Handle envelopes that nobody waits for; blocks until they are done."""
        self._take_rows(Rows(self._shape_of(rows), rows, is_nested=True))

    def _take_lines(self, lines: bytes, count: int) -> bool:
        """Do the same for `count` events of one form; False for any other lines."""
        machine = self._machine
        batch = machine.decoder.decode_alike(lines, "ndjson")
        if batch is None or len(batch.rows) != count:
            return False
        self._take_rows(Rows(machine.shape, batch.rows, batch.is_nested))
        return True

    def _take_rows(self, left: Rows) -> None:
        while left.rows:
            made, faults, _, taken = self._execute(left, None, UNHURRIED_S, None)
            left = Rows(left.shape, left.rows[taken:], left.is_nested)
            self.audience.publish(made, faults)

    def _shape_of(self, rows: list[Any]) -> Shape:
        """Return the shape of envelopes made just before a reload, or since."""
        shape = self._machine.shape
        if rows and rows[0].fields.__class__ is self._shape_before.row_class:
            return self._shape_before
        return shape

    def _reply_timeout_s(self, wait: float | None) -> float:
        limit_s = self.limits.reply_timeout_s
        return limit_s if wait is None else min(wait, limit_s)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise PipelineClosedError(f"pipeline '{self.name}' is closed")

    def _count(
        self, events: int, made: list[Any], faults: Faults, began: float
    ) -> None:
        counts = self._counts
        counts.events_in += events
        counts.events_out += self._machine.count_outputs(made)
        counts.processing_s += time.perf_counter() - began
        self.audience.tell(made, faults)

    # --- looking in -----------------------------------------------------------------

    def metrics(self) -> PipelineMetrics:
        """Return the counters so far."""
        found = measure(self._counts, self._machine.instance)
        found.type_mismatches = self._machine.adaptation.mismatches
        found.events_out += self.audience.late_outputs
        return found

    def explain_source(self) -> str:
        """Return the generated Python."""
        return self._machine.compiled.source

    def explain(self) -> dict[str, Any]:
        """Return the compiled plan (vpl.md 18.6)."""
        return explain(self._machine.compiled.plan)
