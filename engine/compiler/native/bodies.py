"""Statements of a function -> LLVM IR; the meaning is that of `engine.compiler.functions`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.compiler.functions import assigned_names, declared_names, units_of_turn
from engine.compiler.kinds import FLOAT, INT
from engine.compiler.native.arithmetic import LEAVE
from engine.compiler.native.expressions import Expressions
from engine.compiler.native.frame import FunctionFrame
from engine.compiler.native.instances import Instance, Instances, is_float
from engine.compiler.native.refusals import RefusedError
from engine.compiler.native.values import (
    IR_TYPES,
    KIND_WORDS,
    UNKNOWN,
    Value,
    as_float,
    integer,
)
from vpl import nodes, walk

LAST_VALUE: Final = ""  # the local that holds the last expression statement's value


@dataclass(frozen=True, slots=True)
class _Loop:
    """Where `continue` and `break` of a loop lead."""

    again: str
    end: str


def write_body(instance: Instance, instances: Instances) -> None:
    """Lower a function with what is known of it; what is found out is noted there."""
    frame = FunctionFrame(instance, instances)
    body = _Body(frame)
    frame.asm.slots.append("  %ending = alloca i8")
    body.declare()
    frame.begin_clock()
    body.take_params()
    body.statements(instance.decl.body)
    body.fall_off()
    frame.write_endings()
    params = "".join(
        f", {IR_TYPES[kind]} %p{at}" for at, kind in enumerate(instance.params)
    )
    depth = ", i64 %depth" if frame.may_recurse else ""
    named = f"{instance.generated}(ptr noalias %c{depth}{params})"
    instance.head = f"define internal {instance.returned} {named}"
    instance.lines = ["entry:", *frame.asm.slots, *frame.asm.lines]


class _Body:
    """Lowers statements in order."""

    def __init__(self, frame: FunctionFrame) -> None:
        self.frame = frame
        self.asm = frame.asm
        self.instance = frame.instance
        self.expressions = Expressions(frame)
        self.loops: list[_Loop] = []
        statements = self.instance.decl.body
        parts = list(walk(*statements))
        self.has_result = any(isinstance(p, nodes.ExprStmt) for p in parts)
        self.is_float = is_float(self.instance.decl.result)

    def declare(self) -> None:
        """Make slots for parameters and locals."""
        decl = self.instance.decl
        names = [param.name for param in decl.params]
        names += declared_names(decl.body)
        inputs = self.frame.instances.inputs
        names += [n for n in assigned_names(decl.body) if not inputs.is_global(n)]
        if self.has_result:
            names.append(LAST_VALUE)
        self.frame.declare(dict.fromkeys(names))

    def take_params(self) -> None:
        """Set the parameters to the arguments."""
        decl = self.instance.decl
        for at, (param, kind) in enumerate(
            zip(decl.params, self.instance.params, strict=True)
        ):
            self.frame.assign(param.name, Value(kind, f"%p{at}"), param.span)

    def fall_off(self) -> None:
        """End a function that has no `return` at its end."""
        span = self.instance.decl.name_span
        if not self.has_result:
            self.frame.give_back(None, span)
            return
        self.frame.give_back(self.frame.read(LAST_VALUE), span)

    def statements(self, statements: Sequence[nodes.Stmt]) -> None:
        """Lower statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: nodes.Stmt) -> None:
        match node:
            case nodes.VarDecl() | nodes.Assign():
                self._assign(node)
            case nodes.IfStmt():
                self._if(node)
            case nodes.ForStmt():
                self._for(node)
            case nodes.WhileStmt():
                self._while(node)
            case nodes.Return():
                self._return(node)
            case nodes.Break():
                self.asm.jump(self.loops[-1].end)
            case nodes.Continue():
                self.asm.jump(self.loops[-1].again)
            case nodes.EmitStmt():
                self._emit(node)
            case nodes.ExprStmt():
                value = self._widened(self.expressions.value(node.value))
                self.frame.assign(LAST_VALUE, value, node.span)

    def _assign(self, node: nodes.VarDecl | nodes.Assign) -> None:
        if node.name not in self.frame.locals:
            reason = f"it changes the global '{node.name}'"
            raise RefusedError(reason, node.span)
        self.frame.assign(node.name, self.expressions.value(node.value), node.span)

    def _widened(self, value: Value) -> Value:
        return as_float(value, self.asm) if self.is_float else value

    def _return(self, node: nodes.Return) -> None:
        value = None
        if node.value is not None:
            value = self._widened(self.expressions.value(node.value))
        self.frame.give_back(value, node.span)

    # --- branches and loops -----------------------------------------------------

    def _if(self, node: nodes.IfStmt) -> None:
        asm, frame = self.asm, self.frame
        end = asm.label()
        ends: list[set[str]] = []
        for test, block in node.branches:
            condition = self.expressions.condition(test)
            yes, no = asm.label(), asm.label()
            asm.branch(condition, yes, no)
            before = set(frame.set_here)
            asm.begin(yes)
            self.statements(block)
            self._leave_branch(end, block, ends)
            frame.set_here = before
            asm.begin(no)
        self.statements(node.orelse)
        self._leave_branch(end, node.orelse, ends)
        asm.begin(end)
        if ends:
            frame.set_here = set.intersection(*ends)

    def _leave_branch(
        self, end: str, block: Sequence[nodes.Stmt], ends: list[set[str]]
    ) -> None:
        """End a branch; one that does not come to the end sets nothing there."""
        self.asm.jump(end)
        goes_away = nodes.Return | nodes.Break | nodes.Continue
        if not (block and isinstance(block[-1], goes_away)):
            ends.append(set(self.frame.set_here))

    def _for(self, node: nodes.ForStmt) -> None:
        if node.second is not None:
            raise RefusedError("it runs over a map or pairs", node.span)
        start, stop, is_inclusive = self._bounds(node.iterable)
        asm, counter = self.asm, f"%k{self.asm.fresh('')}"
        asm.slot(counter, "i64", "0")
        asm.add(f"store i64 {start.text}, ptr {counter}")
        test, body, again, end = (asm.label() for _ in range(4))
        asm.begin(test)
        at = asm.temp(f"load i64, ptr {counter}")
        word = "sle" if is_inclusive else "slt"
        asm.branch(asm.temp(f"icmp {word} i64 {at}, {stop.text}"), body, end)
        asm.begin(body)

        def turn() -> None:
            self.frame.assign(node.variable, Value(INT, at), node.span)
            self._turn(node.body)

        self._loop_body(_Loop(again, end), turn)
        asm.begin(again)
        if is_inclusive:  # the last turn may be that of the greatest int
            step = asm.label()
            asm.branch(asm.temp(f"icmp eq i64 {at}, {stop.text}"), end, step)
            asm.begin(step)
        asm.add(f"store i64 {asm.temp(f'add nsw i64 {at}, 1')}, ptr {counter}")
        asm.jump(test)
        asm.begin(end)

    def _bounds(self, node: nodes.Expr) -> tuple[Value, Value, bool]:
        """Return what a loop runs over: from, to, and whether to the end of that."""
        expressions = self.expressions
        if isinstance(node, nodes.Range):
            start = expressions.sure_of(node.start, INT)
            return start, expressions.sure_of(node.stop, INT), node.inclusive
        value = expressions.sure(node)
        if value.kind not in {INT, UNKNOWN}:
            word = KIND_WORDS[value.kind]
            raise RefusedError(f"a loop cannot run over {word}", node.span)
        return integer(0), value, False

    def _while(self, node: nodes.WhileStmt) -> None:
        asm = self.asm
        test, body, end = asm.label(), asm.label(), asm.label()
        asm.begin(test)
        asm.branch(self.expressions.condition(node.condition), body, end)
        asm.begin(body)
        self._loop_body(_Loop(test, end), lambda: self._turn(node.body))
        asm.jump(test)
        asm.begin(end)

    def _loop_body(self, loop: _Loop, write: Callable[[], None]) -> None:
        """Write the turn of a loop, which sets nothing for sure for what follows."""
        before = set(self.frame.set_here)
        self.loops.append(loop)
        write()
        self.loops.pop()
        self.frame.set_here = before

    def _turn(self, body: Sequence[nodes.Stmt]) -> None:
        self.frame.pay(units_of_turn(body))
        self.statements(body)

    # --- events -----------------------------------------------------------------

    def _emit(self, node: nodes.EmitStmt) -> None:
        values = [self._sent(arg.value) for arg in node.args]
        if any(value.kind == UNKNOWN for value in values):
            return
        kinds = tuple(value.kind for value in values)
        site = self.frame.instances.emit_site(node, kinds)
        self.instance.sites[site.number] = site
        listed = "".join(f", {value.type} {value.text}" for value in values)
        ending = self.asm.temp(f"call i8 {site.function}(ptr %c{listed})")
        self.asm.add(f"store i8 {ending}, ptr %ending")
        self.asm.leave_if(self.asm.temp(f"icmp ne i8 {ending}, 0"), "ended")

    def _sent(self, node: nodes.Expr) -> Value:
        """Return a value put into an event; only finite floats can be."""
        value = self.expressions.sure(node)
        if value.kind == FLOAT:
            asm = self.asm
            none = asm.temp(f"fsub double {value.text}, {value.text}")
            asm.leave_if(asm.temp(f"fcmp uno double {none}, 0.0"), LEAVE)
        return value
