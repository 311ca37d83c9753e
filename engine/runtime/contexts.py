"""Contexts: threads that run streams side by side (vpl.md section 13)."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.compiler.plan import Plan
from engine.limits import Limits
from engine.runtime.columns import count_events
from engine.runtime.executors import (
    Due,
    Executed,
    ExecutorClosedError,
    Faults,
    OnTaken,
    Watch,
    report_crash,
)
from engine.runtime.frame import drain
from engine.runtime.instance import Instance
from engine.runtime.lane import Item, Lane, Output, count_rows
from engine.runtime.sinkhub import SinkHub
from engine.runtime.state import END_OF_TIME
from engine.runtime.timers import Ticks
from vpl import nodes

if TYPE_CHECKING:
    from engine.compiler.sinkports import SinkPort


class Ticket:
    """One injected event on its way through the contexts."""

    def __init__(self, on_end: Callable[["Ticket"], None], bound: int) -> None:
        self._on_end = on_end
        self._bound = bound
        self._count = 0
        self._is_cut = False
        self._told: dict[int, Output] | None = None
        self._told_faults = 0
        self.made: list[Output] = []
        self.producers: set[str] = set()
        self.faults: list[dict[str, Any]] = []
        self.stopped: set[int] = set()
        self.spent_s: dict[str, float] = {}
        self.finished = threading.Event()
        self._open = 1  # the injecting thread holds one share until all is sent
        self._lock = threading.Lock()

    def add(self) -> None:
        """Take a share for a message that will be sent."""
        with self._lock:
            self._open += 1

    def done(self) -> None:
        """Give a share back; the last one finishes the ticket."""
        with self._lock:
            self._open -= 1
            is_last = self._open == 0
            if is_last:
                self.finished.set()
        if is_last:
            self._on_end(self)

    @property
    def room(self) -> int:
        """Return how many more outputs the event may have."""
        return self._bound - self._count

    def collect(self, context: str, lane: Lane) -> None:
        """Take over what a context made of the event, as far as there is room."""
        with self._lock:
            if lane.count > self.room:
                lane.cut(self.room)
            self._count += lane.count
            if lane.made:
                self.producers.add(context)
                self.made.extend(lane.made)
            if lane.stopped:
                self.made = [m for m in self.made if m[1] not in lane.stopped]
                self._count = count_events([output for _, _, output in self.made])

    def report(self, faults: Faults) -> None:
        """Take over what a context has to tell; the bound on outputs once."""
        with self._lock:
            for fault in faults:
                is_cut = fault["code"] == "R003"
                if not (is_cut and self._is_cut):
                    self.faults.append(fault)
                self._is_cut |= is_cut

    def result(self) -> tuple[list[Any], Faults, bool]:
        """Return what is known, in the order of vpl.md section 13."""
        with self._lock:
            made = list(self.made)
            if len(self.producers) > 1:
                made.sort(key=lambda output: output[:2])
            is_done = self.finished.is_set()
            if not is_done:  # the rest is told later
                self._told = {id(output): output for output in made}
                self._told_faults = len(self.faults)
            outputs = [output for _, _, output in made]
            return outputs, list(self.faults), is_done

    def late(self) -> tuple[list[Any], Faults]:
        """Return what its caller did not wait for, once it is finished."""
        if self._told is None:
            return [], []
        made = sorted(self.made, key=lambda output: output[:2])
        left = [output for output in made if id(output) not in self._told]
        return [output for _, _, output in left], self.faults[self._told_faults :]


class TicketCount:
    """How many tickets are under way; `on_end` is called with each that is not.

    `bound` is the most outputs of each.
    """

    def __init__(self, on_end: Callable[[Ticket], None], bound: int) -> None:
        self._on_end = on_end
        self._bound = bound
        self._open = 0
        self._changed = threading.Condition()

    def begin(self) -> Ticket:
        """Return a new ticket, under way until it is finished."""
        with self._changed:
            self._open += 1
        return Ticket(self._end, self._bound)

    def _end(self, ticket: Ticket) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()
        self._on_end(ticket)

    def wait_for_none(self) -> None:
        """Wait until nothing is under way."""
        with self._changed:
            while self._open:
                self._changed.wait()


Message = tuple[Ticket, list[Item]]


class ContextQueue:
    """Messages for one context; a full queue holds up the sender.

    Its size is counted in events. `put` never blocks, `wait_for_room` does: contexts
    that send to each other in a circle must not wait for each other.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._messages: deque[Message | None] = deque()
        self._events = 0
        self._changed = threading.Condition()

    def wait_for_room(self, deadline: float | None) -> bool:
        """Wait until the queue is not full; False if that takes past `deadline`."""
        with self._changed:
            while self._events >= self._bound:
                left_s = None if deadline is None else deadline - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return False
                self._changed.wait(left_s)
        return True

    def put(self, message: Message) -> None:
        """Append a message."""
        with self._changed:
            self._events += count_rows(message[1])
            self._messages.append(message)
            self._changed.notify_all()

    def close(self) -> None:
        """Append the end: `get` returns None after all earlier messages."""
        with self._changed:
            self._messages.append(None)
            self._changed.notify_all()

    def get(self) -> Message | None:
        """Wait for the next message and remove it."""
        with self._changed:
            while not self._messages:
                self._changed.wait()
            message = self._messages.popleft()
            if message is not None:
                self._events -= count_rows(message[1])
            self._changed.notify_all()
            return message

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self._messages


class ContextExecutor:
    """Runs each context in its own thread; `execute` may be called by many."""

    def __init__(
        self, instance: Instance, hub: SinkHub, limits: Limits, ticks: Ticks
    ) -> None:
        self._instance = instance
        self._hub = hub
        self._ticks = ticks
        self._routes = instance.compiled.routes
        self._plan = instance.compiled.plan
        self._bound = limits.outputs_per_event
        self._queues = {
            context: ContextQueue(limits.context_queue_events)
            for context in self._plan.contexts
        }
        self._reach = _reach(self._plan)
        self._ports: dict[str, list[SinkPort]] = {c: [] for c in self._plan.contexts}
        for port in instance.compiled.ports:
            self._ports[self._plan.streams[port.stream].context].append(port)
        self._threads: list[threading.Thread] = []
        self._sending = threading.Lock()
        self._count = TicketCount(self._tell_late, limits.outputs_per_event)
        self.on_late: Watch | None = None
        self._is_closed = False

    def start(self) -> None:
        """Start one thread per context."""
        for context in self._queues:
            name = f"context {context or 'default'}"
            thread = threading.Thread(
                target=self._work, args=(context,), name=name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def execute(
        self,
        rows: Iterable[Any],
        is_nested: bool,
        timeout_s: float,
        on_taken: OnTaken | None = None,
    ) -> Executed:
        """Send rows to their contexts, wait for all of them, and put them together.

        Rows for which there is no room in time are not taken; they are the last ones.
        """
        deadline = time.monotonic() + timeout_s
        tickets, taken = self._send_all(rows, is_nested, deadline)
        if on_taken is not None:
            on_taken()
        return (*self._results(tickets, deadline), taken)

    def _results(
        self, tickets: Iterable[Ticket], deadline: float
    ) -> tuple[list[Any], Faults, bool]:
        """Wait for tickets and put together what came of them."""
        outputs: list[Any] = []
        faults: Faults = []
        is_complete = True
        for ticket in tickets:
            ticket.finished.wait(max(0.0, deadline - time.monotonic()))
            made, found, is_done = ticket.result()
            outputs += made
            faults += found
            is_complete = is_complete and is_done
        return outputs, faults, is_complete

    def _tell_late(self, ticket: Ticket) -> None:
        made, faults = ticket.late()
        if self.on_late is not None and (made or faults):
            self.on_late(made, faults)

    def _send_all(
        self, rows: Iterable[Any], is_nested: bool, deadline: float
    ) -> tuple[list[Ticket], int]:
        """Return the tickets, those of ticks included, and how many rows were taken."""
        tickets: list[Ticket] = []
        taken = 0
        # one sender at a time, so that all contexts see events in one order
        if not self._sending.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return tickets, 0
        try:
            if self._is_closed:
                raise ExecutorClosedError
            for row in rows:
                inner = row.fields if is_nested else row
                if self._ticks.timers and inner.ts >= self._ticks.due:
                    tickets += self._send_ticks(inner.ts)
                ticket = self._send(row.t, inner, deadline)
                if ticket is None:
                    break
                tickets.append(ticket)
                taken += 1
        finally:
            self._sending.release()
        return tickets, taken

    def _send_ticks(self, now: int) -> Iterator[Ticket]:
        """Send the ticks before an event at `now`, which waits for them."""
        for event_type, tick in self._ticks.until(now):
            ticket = self._send(event_type, tick, None)
            if ticket is not None:
                yield ticket

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let no event in and wait until all contexts are done."""
        with self._sending:
            self._count.wait_for_none()
            yield

    def flush(self) -> Executed:
        """Let contexts work off what is due some time, until nothing is."""
        outputs: list[Any] = []
        faults: Faults = []
        for _ in self._plan.streams:
            for stream in self._instance.waiting():
                made, found, _, _ = self.advance([(stream, END_OF_TIME)])
                outputs += made
                faults += found
        return outputs, faults, True, 0

    def advance(self, due: Sequence[Due]) -> Executed:
        """Have the contexts of streams work off what is due, and wait for them."""
        with self._sending:
            if self._is_closed:
                raise ExecutorClosedError
            tickets = [self._end(stream, now) for stream, now in due]
        for ticket in tickets:
            ticket.finished.wait()
        return (*self._results(tickets, time.monotonic()), 0)

    def _end(self, stream: int, now: int) -> Ticket:
        """Have the context of a stream work off what is due until `now`."""
        ticket = self._count.begin()
        item: Item = (now, "", [self._instance.ending(stream)], 0, -1)
        ticket.add()
        self._queues[self._plan.streams[stream].context].put((ticket, [item]))
        ticket.done()
        return ticket

    def close(self, timeout_s: float) -> None:
        """Let contexts finish what is queued, at most `timeout_s` together."""
        deadline = time.monotonic() + timeout_s
        self._is_closed = True
        for queue in self._queues.values():
            queue.close()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _send(self, event_type: str, row: Any, deadline: float | None) -> Ticket | None:
        """Send one event; None if a context has no room for it in time."""
        route = self._routes.get(event_type)
        if route is not None:
            for context in route.by_context:
                if not self._queues[context].wait_for_room(deadline):
                    return None
        ticket = self._count.begin()
        if route is None:
            self._instance.count_unrouted()
            ticket.done()
            return ticket
        for context, functions in route.by_context.items():
            ticket.add()
            item = (row, event_type, functions, 0, -1)
            self._queues[context].put((ticket, [item]))
        ticket.done()
        return ticket

    # --- inside a context -----------------------------------------------------------

    def _work(self, context: str) -> None:
        _pin(_cores(self._plan, context))
        lane = Lane(context, self._instance.frames, self._bound)
        while (message := self._queues[context].get()) is not None:
            ticket, items = message
            try:
                self._handle(context, lane, ticket, items)
            except Exception as error:  # boundary of the context
                fault = report_crash(self._instance, error, context)
                ticket.collect(context, lane)
                ticket.report([fault, *drain(self._instance.faulted[context])])
            finally:
                ticket.done()
        self._flush_sinks(context, is_done=True)

    def _handle(
        self, context: str, lane: Lane, ticket: Ticket, items: list[Item]
    ) -> None:
        budget = self._instance.budgets[context]
        budget.resume(ticket.spent_s.get(context, 0.0))
        lane.begin(ticket.stopped, ticket.room)
        lane.pending.extend(items)
        try:
            lane.run()
        finally:
            self._flush_sinks(context, is_done=self._queues[context].is_empty)
        ticket.spent_s[context] = budget.spent_s()
        ticket.collect(context, lane)
        ticket.report(drain(self._instance.faulted[context]))
        self._forward(context, lane, ticket)

    def _forward(self, context: str, lane: Lane, ticket: Ticket) -> None:
        """Send what other contexts have to do, one message to each."""
        by_context: dict[str, list[Item]] = {}
        for target, item in lane.outgoing:
            by_context.setdefault(target, []).append(item)
        for target, items in by_context.items():
            ticket.add()
            if context not in self._reach[target]:
                self._queues[target].wait_for_room(None)
            self._queues[target].put((ticket, items))

    def _flush_sinks(self, context: str, *, is_done: bool) -> None:
        """Send what streams of the context collected; arrays wait while it goes on."""
        ports = self._ports[context]
        self._hub.flush(ports, self._instance.frames, is_done=is_done)


def _reach(plan: Plan) -> dict[str, set[str]]:
    """Return for each context those its events may go to, directly or not."""
    reach: dict[str, set[str]] = {context: set() for context in plan.contexts}
    for stream in plan.streams:
        for consumer in plan.consumers(stream.gives | {stream.name}):
            reach[stream.context].add(consumer.context)
    for middle in plan.contexts:
        for start in plan.contexts:
            if middle in reach[start]:
                reach[start] |= reach[middle]
    return reach


def _cores(plan: Plan, context: str) -> set[int]:
    """Return the cores a context asks for."""
    for decl in plan.program.body:
        if isinstance(decl, nodes.ContextDecl) and decl.name == context:
            for param in decl.params:
                if param.name == "cores" and isinstance(
                    param.value, nodes.ArrayLiteral
                ):
                    return {
                        item.value
                        for item in param.value.items
                        if isinstance(item, nodes.Literal) and type(item.value) is int
                    }
    return set()


def _pin(cores: set[int]) -> None:
    """Bind the calling thread to cores, as far as this machine has them."""
    if not cores or not hasattr(os, "sched_setaffinity"):
        return
    usable = cores & os.sched_getaffinity(0)
    if usable:
        os.sched_setaffinity(0, usable)
