"""The operations of a stream -> source lines (vpl.md section 8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from engine.compiler.code import FRAME, Code, constant, variable
from engine.compiler.expressions import Expressions
from engine.compiler.functions import compile_lambda
from engine.compiler.kinds import ANY, STR
from engine.compiler.lines import Lines
from engine.compiler.namespace import Namespace, sound_text
from engine.compiler.outputs import (
    DynamicOutput,
    OutputSite,
    dynamic_site,
    new_site,
    whole_output,
    without_nulls,
)
from engine.compiler.plan import Plan, StreamPlan
from engine.compiler.scopes import Scope
from engine.compiler.sinkports import SinkPort, port_of
from engine.compiler.sites import Sites
from engine.runtime.frame import OutputsExceeded, StreamStopped, cut, emitted
from engine.runtime.printing import show, topic_text
from vpl import nodes

RUNTIME: Final = {
    "DynamicOutput": DynamicOutput,
    "whole_output": whole_output,
    "without_nulls": without_nulls,
    "StreamStopped": StreamStopped,
    "OutputsExceeded": OutputsExceeded,
    "emitted": emitted,
    "cut": cut,
    "show": show,
    "topic_text": topic_text,
}


Handler = Callable[[int, nodes.Operation, "Current"], None]
HANDLERS: Final = {
    "where": "_where",
    "filter": "_where",
    "select": "_select",
    "emit": "_emit",
    "process": "_process",
    "print": "_print",
    "to": "_to",
}


@dataclass(frozen=True, slots=True)
class Current:
    """The event that flows on at one place of a stream.

    `row` is the variable of its row, `type` its type, `output` the variable of its
    output object if there is one. `is_made` tells that the stream made it: it keeps
    its type when it leaves.
    """

    row: str
    type: Code
    output: str | None = None
    is_made: bool = False


class Target(Protocol):
    """Where outputs and final events of a stream go."""

    def output(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Write the lines that keep one output."""
        ...

    def outputs(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Write the lines that keep a list of outputs."""
        ...

    def final(self, stream: StreamPlan, current: Current, lines: Lines) -> None:
        """Write the lines that hand a final event to the consumers."""
        ...

    def has_consumers(self, stream: StreamPlan) -> bool:
        """Tell whether final events go anywhere."""
        ...


@dataclass(slots=True)
class Unit:
    """What all streams of one program share while they are compiled."""

    plan: Plan
    names: Namespace
    sites: Sites
    ports: list[SinkPort]


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

    def body(self, current: Current, matched: frozenset[str]) -> None:
        """Write what happens to an event that came under one of `matched` names."""
        self.lines.vpl_line = self.stream.decl.span.line
        filters = self._input_filters(matched)
        if not filters:
            self._operation(0, current)
            return
        expressions = self._expressions(current)
        tests = [expressions.condition(test) for test in filters]
        condition = " or ".join(test.text for test in tests)
        self._mark_frame(current, *tests)
        with self.lines.block(f"if {condition}:"):
            self._operation(0, current)

    def _input_filters(self, matched: frozenset[str]) -> list[nodes.Expr]:
        """Return filters of which one must hold; none if an input has no filter."""
        found: list[nodes.Expr] = []
        for part in self.stream.inputs:
            if part.name not in matched:
                continue
            if not part.where:
                return []
            whole = part.where[0]
            for more in part.where[1:]:
                whole = nodes.Binary("and", whole, more, span=more.span)
            found.append(whole)
        return found

    def _expressions(self, current: Current) -> Expressions:
        row = variable(current.row)
        scope = Scope(
            self.names,
            self.unit.plan.symbols,
            self.frame,
            "1",
            row,
            current.type,
            self.stream.aliases,
            self._lambda,
            hoisted=self.hoisted.get(current.row),
        )
        return Expressions(scope)

    def _lambda(self, scope: Scope, node: nodes.Lambda) -> Code:
        return compile_lambda(scope, node, self.unit.sites)

    def _mark_frame(self, current: Current, *codes: Code) -> None:
        """Tell the frame the current event if one of `codes` calls something."""
        if not any(FRAME in code.uses for code in codes):
            return
        self.may_stop = True
        if self._framed != current.row:
            self._framed = current.row
            self.lines.add(f"{self.frame}.row = {current.row}")
            self.lines.add(f"{self.frame}.type = {current.type.text}")

    # --- operations -------------------------------------------------------------

    def _operation(self, at: int, current: Current) -> None:
        if at == len(self.stream.ops):
            self._finish(current)
            return
        op = self.stream.ops[at]
        self.lines.vpl_line = op.span.line
        handler: Handler = getattr(self, HANDLERS[op.name])
        handler(at, op, current)

    def _finish(self, current: Current) -> None:
        if self.stream.has_process and not self.stream.has_emit:
            self.target.output(self.stream, current.output or "", self.lines)
        self.target.final(self.stream, current, self.lines)

    def _needs_row(self, at: int) -> bool:
        """Tell whether anything after operation `at` reads the event."""
        is_last = at + 1 == len(self.stream.ops)
        return not is_last or self.target.has_consumers(self.stream)

    def _where(self, at: int, op: nodes.Operation, current: Current) -> None:
        test = self._expressions(current).condition(op.args[0].value)
        self._mark_frame(current, test)
        with self.lines.block(f"if {test.text}:"):
            self._operation(at + 1, current)

    def _made(
        self, args: Sequence[nodes.Arg], site: OutputSite, current: Current
    ) -> str:
        """Return the text that makes an output of an operation's arguments."""
        expressions = self._expressions(current)
        values = [expressions.sent(arg.value) for arg in args]
        self._mark_frame(current, *values)
        return site.construct(values)

    def _select(self, at: int, op: nodes.Operation, current: Current) -> None:
        fields = [arg.name or "" for arg in op.args]
        known = self.names.values.get(current.type.text)
        if isinstance(known, str):
            site = new_site(self.names, known, fields)
        else:
            site = dynamic_site(self.names, current.type.text, fields)
        output = self.names.fresh("o")
        self.lines.add(f"{output} = {self._made(op.args, site, current)}")
        row = self.names.fresh("r")
        self.lines.add(f"{row} = {site.row(output, current.row, self.names)}")
        selected = Current(row, current.type, output, current.is_made)
        self._operation(at + 1, selected)

    def _emit(self, at: int, op: nodes.Operation, current: Current) -> None:
        event_type = op.as_type or self.stream.name
        type_code = constant(self.names.text(event_type), STR)
        if not op.args:
            self._emit_whole(at, current, type_code)
            return
        args = [arg for arg in op.args if not self._is_legacy_context(arg)]
        site = new_site(self.names, event_type, [arg.name or "" for arg in args])
        made = self._made(args, site, current)
        if not self._needs_row(at):
            self.target.output(self.stream, made, self.lines)
            self._operation(at + 1, current)
            return
        output, row = self.names.fresh("o"), self.names.fresh("r")
        self.lines.add(f"{output} = {made}")
        self.target.output(self.stream, output, self.lines)
        self.lines.add(f"{row} = {site.row(output, current.row, self.names)}")
        self._operation(at + 1, Current(row, type_code, output, is_made=True))

    def _is_legacy_context(self, arg: nodes.Arg) -> bool:
        """Tell whether an argument of `emit` only names a context (W035)."""
        if arg.name != "context" or not isinstance(arg.value, nodes.Name):
            return False
        return any(
            isinstance(decl, nodes.ContextDecl) and decl.name == arg.value.id
            for decl in self.unit.plan.program.body
        )

    def _emit_whole(self, at: int, current: Current, type_code: Code) -> None:
        self.names.fields.whole = True
        output = self.names.fresh("o")
        whole = f"whole_output({type_code.text}, {current.row}.m)"
        self.lines.add(f"{output} = {whole}")
        self.target.output(self.stream, output, self.lines)
        made = Current(current.row, type_code, output, is_made=True)
        self._operation(at + 1, made)

    def _process(self, at: int, op: nodes.Operation, current: Current) -> None:
        emits = self.names.fresh("em")
        value = self._expressions(current).code(op.args[0].value)
        self._mark_frame(current, value)
        self.lines.add(f"{self.frame}.emits = {emits} = []")
        with self.lines.block("try:"):
            self.lines.add(value.text)
        with self.lines.block("except OutputsExceeded:"):
            self.lines.add("pass  # `emitted` cuts and reports")
        self.lines.add(f"emitted({self.frame}, {emits})")
        if not self._needs_row(at):
            self.target.outputs(self.stream, emits, self.lines)
            return
        self._each_emitted(at, emits, current)

    def _each_emitted(self, at: int, emits: str, current: Current) -> None:
        output, row = self.names.fresh("o"), self.names.fresh("r")
        event_type = self.names.fresh("t")
        with self.lines.block(f"for {output} in {emits}:"):
            self.lines.add(
                f"{event_type} = EMIT_TYPES[{output}.__class__]",
                f"{row} = EMIT_ROWS[{output}.__class__]({output}, {current.row})",
            )
            type_code = Code(event_type, STR, 0, frozenset({event_type}), is_atom=True)
            self._operation(at + 1, Current(row, type_code, output, is_made=True))

    def _print(self, at: int, op: nodes.Operation, current: Current) -> None:
        expressions = self._expressions(current)
        prefix = self.names.text(sound_text(f"{self.stream.name}: "))
        if op.args:
            values = [expressions.code(arg.value) for arg in op.args]
        else:
            self.names.fields.whole = True
            values = [Code(f"{current.row}.m", ANY, 0, frozenset({current.row}))]
        self._mark_frame(current, *values)
        listed = "".join(f"{value.text}, " for value in values)
        self.lines.add(f"show({prefix}, [{listed}], {self.frame})")
        self._operation(at + 1, current)

    def _to(self, at: int, op: nodes.Operation, current: Current) -> None:
        self.names.fields.stamped = True
        port = port_of(op, self.stream, self.unit.plan, self.names)
        self.unit.ports.append(port)
        self.used_ports.append(port)
        topic = self._topic(op, port, current)
        output = current.output
        if output is None:
            self.names.fields.whole = True
            output = f"whole_output({current.type.text}, {current.row}.m)"
        self.lines.add(
            f"{port.generated}.append(({topic}, {output}, {current.row}.ts))"
        )
        self._operation(at + 1, current)

    def _topic(self, op: nodes.Operation, port: SinkPort, current: Current) -> str:
        default = self.names.text(port.default_topic)
        for arg in op.args:
            if arg.name == "topic":
                code = self._expressions(current).code(arg.value)
                self._mark_frame(current, code)
                if code.kinds == STR:
                    return code.text
                return f"topic_text({code.text}, {default}, {self.frame})"
        return default
