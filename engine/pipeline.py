"""Pipelines: programs that take events."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import cycle
from typing import Any, Final

import msgspec

import vpl
from engine.adaptation import Adaptation
from engine.compiler.codegen import Compiled, compile_plan
from engine.compiler.guarding import refused_connectors
from engine.compiler.sourceports import source_ports
from engine.connectors.base import Sink, SinkFactory, SourceFactory
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.encoding import encode
from engine.errors import (
    BadEventError,
    InvalidProgramError,
    PipelineClosedError,
    QueueFullError,
)
from engine.event import Event
from engine.explain import explain
from engine.limits import Limits
from engine.metrics import PipelineMetrics
from engine.reply import NO_OUTPUTS, QUEUE_FULL, BatchReply, OutputForm, Reply
from engine.runtime.clock import Clock, SystemClock
from engine.runtime.contexts import ContextExecutor
from engine.runtime.executors import (
    Executed,
    Executor,
    OnTaken,
    QueueExecutor,
    StaticExecutor,
)
from engine.runtime.instance import Instance
from engine.runtime.measure import measure
from engine.runtime.sinkhub import SinkHub
from engine.runtime.sourcehub import Intake, SourceHub, Subscription
from engine.wire import BatchForm, RowDecoder, parse_event

logger = logging.getLogger("varpulis")

_NOT_OF_THIS_FORM = (msgspec.DecodeError, RecursionError)
UNHURRIED_S: Final = 1e9  # nobody waits for what sources bring
PYTHON_FRAMES_PER_CALL: Final = 8  # a call through a builtin and a lambda


def compile_program(
    source: str,
    *,
    name: str = "pipeline",
    limits: Limits | None = None,
    sinks: SinkFactory | None = None,
    clock: Clock | None = None,
    sources: SourceFactory | None = None,
    dead_letters: DeadLetters | None = None,
    guard: Guard | None = None,
    imports: vpl.Imports | None = None,
    host: vpl.Host = vpl.ANYWHERE,
) -> "Pipeline":
    """Return a pipeline that runs `source`.

    `sinks` makes the sinks of `.to`; without it those events go nowhere, as in trial
    runs. `sources` makes the sources of `.from`; without it only injected events
    arrive. `dead_letters` takes what sources bring that is no event. `guard` refuses
    addresses and paths. `imports` has the sources of imports by path, or reads them;
    `host` says what the program finds where it runs. Raises `InvalidProgramError`
    with all findings if there is an error among them.
    """
    checked = vpl.check(source, imports=imports, host=host)
    if not checked.valid:
        raise InvalidProgramError(checked.diagnostics)
    if guard and (refused := refused_connectors(checked.program, guard)):
        raise InvalidProgramError((*checked.diagnostics, *refused))
    limits = Limits() if limits is None else limits
    _allow_recursion(limits)
    compiled = compile_plan(checked.program)
    ports = source_ports(compiled.plan)
    hub = SourceHub(ports, sources, name, dead_letters)
    clock = clock or SystemClock()
    pipeline = Pipeline(name, compiled, limits, sinks, clock, sources=hub)
    pipeline.diagnostics = checked.diagnostics
    return pipeline


def _allow_recursion(limits: Limits) -> None:
    """Let Python go as deep as the limit of the language, for the whole process."""
    needed = 1000 + PYTHON_FRAMES_PER_CALL * limits.recursion_depth
    if sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)


class Pipeline:
    """A running program; `diagnostics` are the warnings and hints about it.

    Any thread may call any method. Without contexts events are handled one after the
    other in the threads that bring them; with contexts each context is a thread, and
    events run side by side where callers come in several threads (`is_parallel`).

    `process` handles the JSON of one event and returns that of the inject reply
    (vpl.md 18.2): the quickest way in. Like batches it skips fields nobody reads, and
    it raises what `inject` raises. `on_outputs` is called with outputs that nobody
    waits for, such as those of sources; set it before `start`.
    """

    def __init__(
        self,
        name: str,
        compiled: Compiled,
        limits: Limits,
        sinks: SinkFactory | None,
        clock: Clock,
        *,
        sources: SourceHub,
    ) -> None:
        self.name = name
        self.program = compiled.plan.program
        self.fingerprint = vpl.fingerprint(self.program)
        self.consumes = frozenset(compiled.plan.consumed)
        self.emits = vpl.emitted_types(self.program)
        self.streams = vpl.stream_names(self.program)
        self.diagnostics: tuple[vpl.Diagnostic, ...] = ()
        self._compiled = compiled
        self._limits = limits
        self._instance = Instance(compiled, limits, clock)
        self._hub = SinkHub(compiled.ports, sinks, name)
        self._sources = sources
        self.on_outputs: Callable[[list[Any]], None] | None = None
        self._adaptation = Adaptation(self.program)
        self._decoder = RowDecoder(
            compiled.fields, compiled.row_class, self._adaptation, clock
        )
        self._executor = self._make_executor()
        self.process: Callable[[bytes], bytes] = self._process_plainly
        self.is_parallel = compiled.plan.is_threaded
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._is_started = False
        self._is_closed = False
        self._counts = PipelineMetrics()

    def _make_executor(self) -> Executor:
        if self._compiled.plan.is_threaded:
            return ContextExecutor(self._instance, self._hub, self._limits)
        if self._compiled.queued is not None:
            return QueueExecutor(self._instance, self._hub, self._limits)
        return StaticExecutor(self._instance, self._hub)

    # --- life -----------------------------------------------------------------------

    def start(self) -> None:
        """Open sinks and start contexts; events start a pipeline by themselves."""
        with self._starting:
            if not self._is_started and not self._is_closed:
                self._hub.open()
                self._executor.start()
                self._is_started = True
                self.process = self._quick_process() or self._process_plainly
                self._sources.open(Intake(self._decoder.envelope, self._take))

    def close(self, timeout_s: float = 5.0) -> None:
        """Finish what was begun, deliver what sinks hold, and take no more events."""
        if self._is_started and not self._is_closed:
            self._sources.close(timeout_s)
        with self._starting:
            if self._is_closed:
                return
            self._is_closed = True
            self.process = self._process_plainly
        if self._is_started:
            with self._lock:
                self._executor.close(timeout_s)
            self._hub.close(timeout_s)

    def flush(self) -> Reply:
        """Let time run to infinity after the last event, and return what that causes.

        Windows and sessions pass, waiting absences match (vpl.md 12.3).
        """
        if not self._is_started:
            self.start()
        with self._lock:
            self._refuse_if_closed()
            began = time.perf_counter()
            made, faults, is_complete, _ = self._executor.flush()
            self._count(0, len(made), began)
        return Reply(True, made, faults, is_complete)

    @property
    def sinks(self) -> dict[str, Sink]:
        """Return the sinks by the name of their connector."""
        return dict(self._hub.sinks)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Return the sources with what they brought."""
        return self._sources.subscriptions

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
        try:
            envelope = self._decoder.envelope(event)
        except BadEventError:
            self._counts.rejected += 1
            raise
        made, faults, is_complete, taken = self._execute(
            [envelope], True, family, timeout_s, on_taken
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

    def _quick_process(self) -> Callable[[bytes], bytes] | None:
        """Return `process` with all it needs at hand, None if the program needs more.

        It leaves to the plain way what has another form than the event before it, and
        events that come while the pipeline is busy.
        """
        singles, executor = self._decoder.singles(), self._executor
        if not (singles and isinstance(executor, StaticExecutor)):
            return None
        if executor.has_sinks:
            return None
        run_one = self._instance.run_one
        faulted, crashes = executor.faulted, executor.crashes
        lock, counts, plainly = self._lock, self._counts, self._process_plainly
        forms = cycle(singles)
        form = next(forms)

        def process(payload: bytes) -> bytes:
            nonlocal form
            decode, is_nested = form
            try:
                row = decode(payload)
            except _NOT_OF_THIS_FORM:
                form = next(forms)
                return plainly(payload)
            if self._is_closed or not lock.acquire(False):
                return plainly(payload)
            outputs: list[Any] = []
            faults = None
            try:
                counts.events_in += 1
                run_one(row.t, row.fields if is_nested else row, outputs)
            except Exception as error:  # boundary to generated code
                executor.crashed(error)
            finally:
                if faulted or crashes:
                    faults = executor.take_faults()
                counts.events_out += len(outputs)
                lock.release()
            if outputs or faults:
                return encode(Reply(True, outputs, faults or []))
            return NO_OUTPUTS

        return process

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
        batch = self._decoder.decode(payload, form)
        rows = batch.rows
        made, faults, is_complete, taken = self._execute(
            rows, batch.is_nested, family, timeout_s, on_taken
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
            len(made),
            elapsed_us,
            outputs,
        )

    def _execute(
        self,
        rows: list[Any],
        is_nested: bool,
        family: str | None,
        wait: float | None,
        on_taken: OnTaken | None,
    ) -> Executed:
        if not self._is_started:
            self.start()
        if family is not None and family in self.consumes:
            _deliver_as(family, rows, self.consumes)
        limit_s = self._limits.reply_timeout_s
        timeout_s = limit_s if wait is None else min(wait, limit_s)
        began = time.perf_counter()
        if self.is_parallel:
            self._refuse_if_closed()
            done = self._executor.execute(rows, is_nested, timeout_s, on_taken)
            with self._lock:
                self._count(done[3], len(done[0]), began)
            return done
        if not self._lock.acquire(timeout=timeout_s):
            return [], [], True, 0
        try:
            self._refuse_if_closed()
            done = self._executor.execute(rows, is_nested, timeout_s)
            self._count(len(rows), len(done[0]), began)
            return done
        finally:
            self._lock.release()

    def _take(self, rows: list[Any]) -> None:
        """Handle rows that nobody waits for; blocks until they are done."""
        began = time.perf_counter()
        with nullcontext() if self.is_parallel else self._lock:
            self._refuse_if_closed()
            done = self._executor.execute(rows, True, UNHURRIED_S)
        made, faults, _, taken = done
        with self._lock:
            self._count(taken, len(made), began)
        for fault in faults:
            logger.warning("pipeline '%s': %s", self.name, fault["message"])
        if made and self.on_outputs is not None:
            self.on_outputs(made)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise PipelineClosedError(f"pipeline '{self.name}' is closed")

    def _count(self, events: int, outputs: int, began: float) -> None:
        counts = self._counts
        counts.events_in += events
        counts.events_out += outputs
        counts.processing_s += time.perf_counter() - began

    # --- looking in -----------------------------------------------------------------

    def metrics(self) -> PipelineMetrics:
        """Return the counters so far."""
        found = measure(self._counts, self._instance)
        found.type_mismatches = self._adaptation.mismatches
        return found

    def explain_source(self) -> str:
        """Return the generated Python."""
        return self._compiled.source

    def explain(self) -> dict[str, Any]:
        """Return the compiled plan (vpl.md 18.6)."""
        return explain(self._compiled.plan)


def _deliver_as(family: str, rows: Iterable[Any], consumed: frozenset[str]) -> None:
    """Retype events whose own type nobody consumes."""
    for row in rows:
        if row.t not in consumed:
            row.t = family
