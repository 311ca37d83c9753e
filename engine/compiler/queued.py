"""Programs that need a queue: one function per stream, called by a lane.

Used where a stream gives many events that have consumers, and with contexts.
"""

from collections import deque
from collections.abc import Sequence

from engine.compiler import clocks
from engine.compiler.code import variable
from engine.compiler.current import Current
from engine.compiler.kinds import STR
from engine.compiler.lines import Lines
from engine.compiler.plan import StreamPlan
from engine.compiler.sinkports import SinkPort
from engine.compiler.static import due_function
from engine.compiler.streams import StreamCompiler, Unit
from engine.runtime.routes import Route

Variant = tuple[int, frozenset[str]]


class QueueTarget:
    """Hands outputs and final events to the lane `w`, at depth `p`."""

    params = ("w", "p")

    def __init__(self, program: "QueuedProgram") -> None:
        self.program = program

    def enter(self, lines: Lines) -> None:
        """Write nothing: all that is needed are the parameters."""

    def leave(self) -> None:
        """Write nothing."""

    def mark(self, stream: StreamPlan, lines: Lines) -> None:
        """Remember how much there is; what was due stays."""
        lines.add("mark = w.mark()")

    def output(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Append one output."""
        lines.add(f"w.output({stream.index}, p, {text})")

    def outputs(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Append a list of outputs."""
        lines.add(f"w.outputs({stream.index}, p, {text})")

    def final(self, stream: StreamPlan, current: Current, lines: Lines) -> None:
        """Queue a final event for its consumers."""
        if not self.has_consumers(stream):
            return
        names = self.program.unit.names
        if current.is_made and current.type.text not in names.values:
            table = self.program.route_table(stream)
            route, event_type = f"{table}[{current.type.text}]", current.type.text
        else:
            made = stream.name
            if current.is_made:
                made = str(names.values[current.type.text])
            route = self.program.route(frozenset({stream.name, made}))
            event_type = names.text(made)
        args = f"{stream.index}, {current.row}, {event_type}, {route}, p + 1"
        lines.add(f"w.queue({args})")

    def finals(self, stream: StreamPlan, emits: str, stamp: str, lines: Lines) -> None:
        """Queue emitted events for their consumers, columns as they are."""
        if not self.has_consumers(stream):
            return
        fresh = self.program.unit.names.fresh
        output, event_type, make = fresh("o"), fresh("t"), fresh("k")
        args = f"{event_type}, {self.program.route_table(stream)}[{event_type}], p + 1"
        with lines.block(f"for {output} in {emits}:"):
            with lines.block(f"if {output}.__class__ is Columns:"):
                rows = f"ColumnRows({output}, EMIT_ROWS[{output}.make], {stamp})"
                lines.add(f"{event_type} = EMIT_TYPES[{output}.make]")
                lines.add(f"w.queue_columns({stream.index}, {rows}, {args})")
            with lines.block("else:"):
                lines.add(f"{make} = {output}.__class__")
                lines.add(f"{event_type} = EMIT_TYPES[{make}]")
                row = f"EMIT_ROWS[{make}]({output}, {stamp})"
                lines.add(f"w.queue({stream.index}, {row}, {args})")

    def has_consumers(self, stream: StreamPlan) -> bool:
        """Tell whether some stream consumes this one or a type it makes."""
        return self.program.unit.plan.has_consumers(stream)


class QueuedProgram:
    """Writes one function per stream and the routes between them."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.target = QueueTarget(self)
        self.routes: dict[frozenset[str], tuple[str, Route]] = {}
        self.variants: dict[Variant, str] = {}
        self._unwritten: deque[Variant] = deque()
        self._tables: dict[int, str] = {}

    def write(self) -> Lines:
        """Return the functions; afterwards `routes` and `variants` are complete."""
        for name in self.unit.plan.consumed:
            self.route(frozenset({name}))
        lines = Lines()
        while self._unwritten:  # bodies ask for further routes
            index, names = self._unwritten.popleft()
            function = self.variants[index, names]
            lines.take(self._function(self.unit.plan.streams[index], names, function))
        for stream in self.unit.plan.streams:
            if stream.has_deadlines:
                lines.take(due_function(self.unit, stream, self.target.params))
                lines.take(self._ending(stream))
        return lines

    def _ending(self, stream: StreamPlan) -> Lines:
        """Return the function that works off what is due without an event.

        It takes the place of a stream function: the row is the time in ns.
        """
        at = stream.index
        body = Lines(1)
        body.add(*clocks.run_on(self.unit, stream, "r"), f"due{at}(r, w, p)")
        ports = [port for port in self.unit.ports if port.stream == at]
        lines = Lines()
        with lines.block(f"def end{at}(w, r, t, p):"):
            lines.add(f"if {at} in w.stopped: return")
            self._guarded(at, body, ports, lines)
        return lines

    def route(self, names: frozenset[str]) -> str:
        """Return the variable of the route for events delivered under `names`."""
        if names not in self.routes:
            route = Route()
            self.routes[names] = (self.unit.names.bind("R", route), route)
            for stream in self.unit.plan.consumers(names):
                taken = frozenset(part.name for part in stream.inputs) & names
                variant = (stream.index, taken)
                if variant not in self.variants:
                    self.variants[variant] = f"s{stream.index}_{len(self.variants)}"
                    self._unwritten.append(variant)
        return self.routes[names][0]

    def route_table(self, stream: StreamPlan) -> str:
        """Return the variable of the routes of a stream's events by their type."""
        if stream.index not in self._tables:
            table = {}
            for made in stream.gives | {stream.name}:
                names = frozenset({stream.name, made})
                self.route(names)
                table[made] = self.routes[names][1]
            self._tables[stream.index] = self.unit.names.bind("R", table)
        return self._tables[stream.index]

    def link(self, functions: dict[str, object]) -> None:
        """Fill the routes with the functions once they are compiled."""
        for names, (_, route) in self.routes.items():
            for stream in self.unit.plan.consumers(names):
                taken = frozenset(part.name for part in stream.inputs) & names
                function = functions[self.variants[stream.index, taken]]
                route.add(stream.context, function)

    def _function(
        self, stream: StreamPlan, names: frozenset[str], function: str
    ) -> Lines:
        body = Lines(1)
        compiler = StreamCompiler(self.unit, stream, self.target, body)
        compiler.body(compiler.row("r", variable("t", STR)), names)
        lines = Lines()
        lines.vpl_line = stream.decl.span.line
        at = stream.index
        with lines.block(f"def {function}(w, r, t, p):"):
            lines.add(f"if {at} in w.stopped: return")
            lines.add(f"x{at}.events_in += 1")
            if not compiler.may_stop:
                lines.take(body)
                return lines
            may_skip = stream.on_error != "null"
            self._guarded(at, body, compiler.used_ports, lines, may_skip=may_skip)
        return lines

    def _guarded(
        self,
        at: int,
        body: Lines,
        ports: Sequence[SinkPort],
        lines: Lines,
        *,
        may_skip: bool = False,
    ) -> None:
        """Write a body that may be stopped: then nothing remains of what it made.

        With `may_skip` it may also drop the event alone.
        """
        marks = {port.generated: f"m{port.generated}" for port in ports}
        lines.add(*(f"{mark} = len({kept})" for kept, mark in marks.items()))
        with lines.block("try:"):
            lines.take(body, 1)
        if may_skip:
            with lines.block("except EventSkipped as stop:"):
                lines.add(f"x{at}.stop(stop)", "w.cut_to(mark)")
                lines.add(*(f"del {kept}[{m}:]" for kept, m in marks.items()))
        with lines.block("except StreamStopped as stop:"):
            lines.add(f"x{at}.stop(stop)", f"w.discard({at})")
            lines.add(*(f"del {kept}[{mark}:]" for kept, mark in marks.items()))
