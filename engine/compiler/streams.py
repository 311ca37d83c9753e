"""The body of a stream -> source lines (vpl.md section 8).

Operations follow each other as nested blocks: each handler writes its lines and calls
`follow` with the event that flows on. After a window a *batch* flows instead, a list of
`(row, type, output)`; there every operation handles the whole batch before the next.
What has to run at other moments than the arrival of an event (windows that close) is
written as functions of the module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.compiler import clocks
from engine.compiler.code import FRAME, Code, constant, variable
from engine.compiler.current import Batch, Current, Place
from engine.compiler.expressions import Expressions
from engine.compiler.functions import compile_lambda
from engine.compiler.kinds import STR
from engine.compiler.lines import Lines
from engine.compiler.namespace import Namespace
from engine.compiler.outputs import (
    DynamicOutput,
    whole_output,
    without_nulls,
)
from engine.compiler.plan import Plan, StreamPlan
from engine.compiler.readers import CompoundReader, RowReader
from engine.compiler.scopes import Scope
from engine.compiler.sinkports import SinkPort
from engine.compiler.sites import Sites
from engine.compiler.target import Target
from engine.runtime.frame import (
    EventSkipped,
    OutputsExceeded,
    StreamStopped,
    cut,
    emitted,
)
from engine.runtime.state import State
from engine.runtime.stream_clock import StreamClock
from vpl import nodes, walk

RUNTIME: Final = {
    "DynamicOutput": DynamicOutput,
    "whole_output": whole_output,
    "without_nulls": without_nulls,
    "StreamStopped": StreamStopped,
    "EventSkipped": EventSkipped,
    "OutputsExceeded": OutputsExceeded,
    "emitted": emitted,
    "cut": cut,
}


Handler = Callable[["StreamCompiler", int, nodes.Operation, Current], None]
BatchHandler = Callable[["StreamCompiler", int, nodes.Operation, Batch], None]
SourceHandler = Callable[["StreamCompiler", Current, frozenset[str]], None]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who writes what: operations on events, on batches, and sources of events."""

    operations: Mapping[str, Handler]
    batches: Mapping[str, BatchHandler]
    sources: Mapping[str, SourceHandler]


@dataclass(frozen=True, slots=True)
class StateSlot:
    """The state of one operation: its variable in generated code and the object.

    `place` tells the operation within the stream; `bound` is what `explain` says about
    its size.
    """

    stream: int
    place: str
    variable: str
    state: State
    kind: str
    bound: str


@dataclass(frozen=True, slots=True)
class Written:
    """A function of a stream: its name, and what whoever calls it has to know."""

    name: str
    may_stop: bool
    ports: tuple[SinkPort, ...]


@dataclass(slots=True)
class Unit:
    """What all streams of one program share while they are compiled.

    A stream may be written more than once; its states and functions are made once and
    found again by stream and place. `due` holds, by stream, the lines that work off
    what is due at `now`, by place, with the variable whose `due` tells the next time.
    """

    plan: Plan
    names: Namespace
    sites: Sites
    handlers: Handlers
    ports: list[SinkPort] = field(default_factory=list)
    states: dict[tuple[int, str], StateSlot] = field(default_factory=dict)
    clocks: dict[int, StreamClock] = field(default_factory=dict)
    written: dict[tuple[int, str], Written] = field(default_factory=dict)
    due: dict[int, dict[str, tuple[str, tuple[str, ...]]]] = field(default_factory=dict)

    def forget(self) -> None:
        """Start anew, for the other form of program."""
        for kept in (self.ports, self.states, self.clocks, self.written, self.due):
            kept.clear()

    def clock(self, stream: StreamPlan) -> str:
        """Return the variable of a stream's clock."""
        name = f"C{stream.index}"
        if stream.index not in self.clocks:
            clock = StreamClock()
            self.clocks[stream.index] = clock
            self.names.known(name, clock)
        return name


class StreamCompiler:
    """Writes the body of one stream for one kind of input.

    `hoisted` has, by row, the fields that whoever uses the body reads before it.
    """

    def __init__(
        self, unit: Unit, stream: StreamPlan, target: Target, lines: Lines
    ) -> None:
        self.unit = unit
        self.names = unit.names
        self.stream = stream
        self.target = target
        self.lines = lines
        self.frame = f"x{stream.index}"
        self.may_stop = False
        self.used_ports: list[SinkPort] = []
        self.hoisted: dict[str, dict[str, str]] = {}
        self._framed: str | None = None
        self._collect: Callable[[Current], None] | None = None
        self.ops = stream.ops
        self.prefix = ""
        self._end: Callable[[Current], None] | None = None

    def body(self, current: Current, matched: frozenset[str]) -> None:
        """Write what happens to an event that came under one of `matched` names."""
        self.lines.vpl_line = self.stream.decl.span.line
        if self.stream.is_clocked:
            clocks.advance(self, current, matched)
        on_error = self.stream.on_error
        if on_error != "null":
            self.may_stop = True
            self.lines.add(f"errors = {self.frame}.errors")
            self.target.mark(self.stream, self.lines)
        with clocks.unless_late(self, current):
            self.unit.handlers.sources[self.stream.kind](self, current, matched)
        if on_error != "null":
            event = ""
            if on_error == "dead_letter":
                whole = current.reader.whole()
                event = f"whole_output({current.type.text}, {whole.text})"
            with self.lines.block(f"if {self.frame}.errors != errors:"):
                self.lines.add(f"raise EventSkipped({event})")

    # --- events ---------------------------------------------------------------------

    def row(self, row: str, event_type: Code, since: Current | None = None) -> Current:
        """Return the event in variable `row`.

        `since` is the event it was made from, whose aliases and key stay readable.
        """
        bound = since.bound if since is not None else None
        reader = RowReader(
            self.names,
            variable(row),
            self.stream.aliases,
            self.hoisted.get(row),
            bound,
            since.reader.partition if since is not None else None,
        )
        key = since.key if since is not None else None
        return Current(event_type, reader, row, f"{row}.ts", key=key)

    def with_row(self, current: Current) -> Current:
        """Return the same event with a row; writes the line that makes it."""
        if current.row is not None:
            return current
        row = self.names.fresh("r")
        bound = current.bound
        text = bound.row_text() if bound is not None else "None"
        self.lines.add(f"{row} = {text}")
        return replace(current, row=row)

    def own_type(self) -> Code:
        """Return the type of events the stream makes without naming one."""
        return constant(self.names.text(self.stream.name), STR)

    def expressions(self, current: Current) -> Expressions:
        """Return the compiler of expressions about an event."""
        scope = Scope(
            self.names,
            self.unit.plan.symbols,
            self.frame,
            "1",
            current.reader,
            current.type,
            self._lambda,
        )
        return Expressions(scope)

    def _lambda(self, scope: Scope, node: nodes.Lambda) -> Code:
        return compile_lambda(scope, node, self.unit.sites)

    def mark_frame(self, current: Current, *codes: Code) -> Current:
        """Tell the frame the current event if one of `codes` calls something.

        To be called before the line that evaluates `codes` is written. Returns the
        event, which has a row now if it needed one.
        """
        if not any(FRAME in code.uses for code in codes):
            return current
        self.may_stop = True
        row, framed = current.row, current.row
        reader = current.reader
        if row is None and isinstance(reader, CompoundReader) and reader.is_flat:
            row = reader.row_text(is_inside=True)  # functions see more than consumers
            framed = f"@{id(reader)}"
        if row is None:
            current = self.with_row(current)
            row = framed = current.row
        if self._framed != framed:
            self._framed = framed
            self.lines.add(f"{self.frame}.row = {row}")
            self.lines.add(f"{self.frame}.type = {current.type.text}")
            if current.bound is not None:
                self.lines.add(f"{self.frame}.bound = {current.bound.bound_text()}")
            if current.reader.partition is not None:
                key = current.reader.partition.text
                self.lines.add(f"{self.frame}.partition = {key}")
        return current

    def forget_frame(self) -> None:
        """Have the next `mark_frame` write its lines, whatever stands before them."""
        self._framed = None

    def condition(self, test: nodes.Expr, current: Current) -> tuple[Code, Current]:
        """Return code that is truthy exactly when `test` is true for the event."""
        code = self.expressions(current).condition(test)
        return code, self.mark_frame(current, code)

    # --- operations -----------------------------------------------------------------

    def operation(self, at: int, current: Current) -> None:
        """Write the operations from place `at` on for one event."""
        if at == len(self.ops):
            self._finish(current)
            return
        op = self.ops[at]
        self.lines.vpl_line = op.span.line
        self.unit.handlers.operations[op.name](self, at, op, current)

    def follow(self, at: int, current: Current) -> None:
        """Go on after operation `at`: with the next one, or into the next batch."""
        if self._collect is not None:
            self._collect(current)
        else:
            self.operation(at + 1, current)

    def batch(self, at: int, batch: Batch) -> None:
        """Write the operations from place `at` on for a batch."""
        if at == len(self.ops):
            with self._each(batch) as current:
                self._finish(current)
            return
        op = self.ops[at]
        self.lines.vpl_line = op.span.line
        handler = self.unit.handlers.batches.get(op.name)
        if handler is not None:
            handler(self, at, op, batch)
            return
        self.batch(at + 1, self.one_by_one(at, op, batch))

    def _each(self, batch: Batch) -> "_Loop":
        return _Loop(self, batch)

    def each(self, batch: Batch) -> "_Loop":
        """Return a context that writes a loop over the batch and gives its event."""
        return _Loop(self, batch)

    def one_by_one(self, at: int, op: nodes.Operation, batch: Batch) -> Batch:
        """Write an operation on events as a loop that makes the next batch."""
        made = self.names.fresh("b")
        found: list[Current] = []

        def collect(current: Current) -> None:
            current = self.with_row(current)
            item = f"({current.row}, {current.type.text}, {current.output})"
            self.lines.add(f"{made}.append({item})")
            found.append(current)

        self.lines.add(f"{made} = []")
        with self.each(batch) as current:
            outer, self._collect = self._collect, collect
            self.unit.handlers.operations[op.name](self, at, op, current)
            self._collect = outer
        if not found:
            return replace(batch, variable=made)
        last = found[-1]
        is_known = last.type.text in self.names.values
        known = last.type if is_known else None
        has_output = last.output is not None
        return replace(
            batch,
            variable=made,
            type=known,
            has_output=has_output,
            is_made=last.is_made,
        )

    def branch(
        self,
        name: str,
        ops: tuple[nodes.Operation, ...],
        batch: Batch,
        end: Callable[[Current], None],
    ) -> None:
        """Write operations of a branch over a batch; `end` takes what comes out.

        `name` keeps its states and functions apart from those of other branches.
        """
        kept = (self.ops, self.prefix, self._end, self._collect)
        self.ops, self.prefix = ops, f"{self.prefix}{name}/"
        self._end, self._collect = end, None
        self.batch(0, batch)
        self.ops, self.prefix, self._end, self._collect = kept

    @property
    def place(self) -> "Place":
        """Return which operations follow here, and what takes the events at the end."""
        return Place(self.ops, self.prefix, self._end)

    def go_on(self, place: "Place", at: int, current: Current) -> None:
        """Write the operations from `at` on of another place for one event."""
        kept, collect = self.place, self._collect
        self.ops, self.prefix, self._end = place.ops, place.prefix, place.end
        self._collect = None
        self.operation(at, current)
        self.ops, self.prefix, self._end = kept.ops, kept.prefix, kept.end
        self._collect = collect

    def output_text(self, current: Current) -> str:
        """Return the text of the event's output object, made if it has none."""
        if current.output is not None:
            return current.output
        whole = current.reader.whole()
        return f"whole_output({current.type.text}, {whole.text})"

    def _finish(self, current: Current) -> None:
        if self._end is not None:
            self._end(current)
            return
        if self.stream.has_process and not self.stream.has_emit:
            self.target.output(self.stream, self.output_text(current), self.lines)
        if self.target.has_consumers(self.stream):
            current = self.with_row(current)
            self.target.final(self.stream, current, self.lines)

    def needs_row(self, at: int) -> bool:
        """Tell whether anything after operation `at` reads the event."""
        if self._collect is not None or self._end is not None:
            return True
        is_last = at + 1 == len(self.ops)
        return not is_last or self.target.has_consumers(self.stream)

    def leaves_whole(self, at: int) -> bool:
        """Tell whether events made at `at` leave the stream without being looked at.

        So they do where only `.to` with constant topics follow.
        """
        if self._collect is not None or self._end is not None:
            return False
        return all(
            op.name == "to" and all(map(_is_fixed, op.args))
            for op in self.ops[at + 1 :]
        )

    # --- states, functions and due times --------------------------------------------

    def state(
        self, place: str, kind: str, bound: str, make: Callable[[], State]
    ) -> str:
        """Return the variable of a state of this stream, made at the first call."""
        place = self.prefix + place
        key = (self.stream.index, place)
        slot = self.unit.states.get(key)
        if slot is None:
            state = make()
            name = self.names.bind("W", state)
            slot = StateSlot(self.stream.index, place, name, state, kind, bound)
            self.unit.states[key] = slot
        return slot.variable

    def function(
        self, place: str, params: Sequence[str], write: Callable[[], None]
    ) -> str:
        """Return the name of a function of the module whose body `write` writes.

        It is called with `params` and those of the target, see `call`. A function of
        the same place is written once.
        """
        key = (self.stream.index, self.prefix + place)
        done = self.unit.written.get(key)
        if done is None:
            done = self._write_function(params, write)
            self.unit.written[key] = done
        self.may_stop = self.may_stop or done.may_stop
        self.used_ports += [p for p in done.ports if p not in self.used_ports]
        return done.name

    def _write_function(
        self, params: Sequence[str], write: Callable[[], None]
    ) -> Written:
        name = self.names.fresh(f"t{self.stream.index}_")
        lines = Lines()
        lines.vpl_line = self.lines.vpl_line
        kept: Any = (self.lines, self._framed, self._collect, self.may_stop)
        ports, self.used_ports = self.used_ports, []
        self._framed, self._collect, self.may_stop = None, None, False
        listed = ", ".join([*params, *self.target.params])
        with lines.block(f"def {name}({listed}):"):
            self.target.enter(lines)
            self.lines = lines
            write()
            self.target.leave()
        done = Written(name, self.may_stop, tuple(self.used_ports))
        self.lines, self._framed, self._collect, self.may_stop = kept
        self.used_ports = ports
        self.names.functions.append(lines)
        return done

    def call(self, name: str, *args: str) -> str:
        """Return the text that calls a function written by `function`."""
        return f"{name}({', '.join([*args, *self.target.params])})"

    def on_due(self, place: str, state: str, *lines: str) -> None:
        """Have `lines` run when the clock reaches `state.due`; `now` is the time.

        They must leave `state.due` behind `now`.
        """
        due = self.unit.due.setdefault(self.stream.index, {})
        due.setdefault(self.prefix + place, (state, lines))


def _is_fixed(arg: nodes.Arg) -> bool:
    """Tell whether an argument is the same for every event, by its form."""
    varying = nodes.Name | nodes.Member | nodes.Call | nodes.Lambda
    return not any(isinstance(part, varying) for part in walk(arg.value))


class _Loop:
    """Writes a loop over a batch; what is written inside is its body."""

    def __init__(self, stream: StreamCompiler, batch: Batch) -> None:
        self.stream = stream
        self.batch = batch

    def __enter__(self) -> Current:
        stream, names = self.stream, self.stream.names
        row, kind, output = names.fresh("r"), names.fresh("t"), names.fresh("o")
        lines = stream.lines
        self._block = lines.block(
            f"for {row}, {kind}, {output} in {self.batch.variable}:"
        )
        self._block.__enter__()
        dynamic = Code(kind, STR, 0, frozenset({kind}), is_atom=True)
        current = stream.row(row, self.batch.type or dynamic)
        return replace(
            current,
            output=output if self.batch.has_output else None,
            is_made=self.batch.is_made,
        )

    def __exit__(self, *error: object) -> None:
        self._block.__exit__(None, None, None)
