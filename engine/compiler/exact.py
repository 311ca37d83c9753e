"""Functions whose kinds can be proven -> Python without guards.

A function of typed numbers that calls nothing but such functions, emits nothing and
reads only its own locals has no effect but its result. Its exact form runs on plain
Python arithmetic; where the proof would fail at run time (overflow, division by zero)
it gives up, and the general form does the call again from the start. So the meaning is
that of the general form, which also does the counting.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.compiler.code import Code, combine, variable
from engine.compiler.functions import (
    Body,
    assigned_names,
    body_scope,
    declared_names,
)
from engine.compiler.kinds import BOOL, FLOAT, INT, STR, Kinds
from engine.compiler.lines import Lines
from engine.compiler.namespace import Namespace
from engine.compiler.scopes import Scope
from engine.compiler.sites import Sites
from engine.compiler.symbols import ExactForm, FunctionSymbol, Symbols
from vpl import nodes, walk

_TYPE_KINDS: Final = {"int": INT, "float": FLOAT, "bool": BOOL, "str": STR}
_PROVABLE: Final = frozenset((INT, FLOAT, BOOL, STR))
_ALLOWED: Final = (
    nodes.Literal,
    nodes.Name,
    nodes.Unary,
    nodes.Binary,
    nodes.IfExpr,
    nodes.Range,
    nodes.Call,
    nodes.VarDecl,
    nodes.Assign,
    nodes.IfStmt,
    nodes.ForStmt,
    nodes.WhileStmt,
    nodes.Return,
    nodes.Break,
    nodes.Continue,
    nodes.ExprStmt,
    nodes.TypeRef,
)
_NO_FRAME: Final = "NO_FRAME"  # stands where general code would need the frame
MAX_ROUNDS: Final = 8  # rounds until the kinds of all locals are stable


class _NotProvableError(Exception):
    """The function has no exact form."""


@dataclass(slots=True)
class _Unit:
    names: Namespace
    symbols: Symbols
    sites: Sites


def add_exact_forms(names: Namespace, symbols: Symbols, sites: Sites) -> list[Lines]:
    """Find the functions that have an exact form and return the code of those."""
    unit = _Unit(names, symbols, sites)
    written: list[Lines] = []
    waiting = {name: set(symbol.calls) for name, symbol in symbols.functions.items()}
    callers: dict[str, list[str]] = {name: [] for name in waiting}
    for name, calls in waiting.items():
        for called in calls:
            callers[called].append(name)
    ready = deque(name for name, calls in waiting.items() if not calls)
    while ready:  # callees first
        name = ready.popleft()
        lines = _exact_lines(symbols.functions[name], unit)
        if lines is None:
            continue
        written.append(lines)
        for caller in callers[name]:
            waiting[caller].remove(name)
            if not waiting[caller]:
                ready.append(caller)
    return written


def _exact_lines(symbol: FunctionSymbol, unit: _Unit) -> Lines | None:
    kinds = _param_kinds(symbol.decl)
    if kinds is None or not _is_closed(symbol.decl):
        return None
    native = unit.symbols.native
    if symbol.name not in native and not symbol.calls.isdisjoint(native):
        return None  # its general form calls machine code, an exact one would not
    try:
        return _Exact(symbol, kinds, unit).write()
    except _NotProvableError:
        return None


def _param_kinds(decl: nodes.FnDecl) -> tuple[Kinds, ...] | None:
    """Return the kinds of the parameters if all are declared."""
    found = []
    for param in decl.params:
        kind = None
        if param.type is not None and not param.type.optional:
            kind = _TYPE_KINDS.get(param.type.name)
        if kind is None:
            return None
        found.append(kind)
    return tuple(found)


def _is_closed(decl: nodes.FnDecl) -> bool:
    """Tell whether the function is made of provable parts and reads only locals."""
    local = {param.name for param in decl.params}
    local |= set(declared_names(decl.body))
    called: set[int] = set()
    for node in walk(*decl.body):
        if not isinstance(node, _ALLOWED):
            return False
        if isinstance(node, nodes.Call):
            called.add(id(node.function))
        elif isinstance(node, nodes.Name) and not (
            id(node) in called or node.id in local
        ):
            return False
    return set(assigned_names(decl.body)) <= local


class _Exact:
    """Proves one function and writes its exact form."""

    def __init__(
        self, symbol: FunctionSymbol, kinds: tuple[Kinds, ...], unit: _Unit
    ) -> None:
        self.symbol = symbol
        self.unit = unit
        self.param_kinds = kinds
        self.generated = f"{symbol.generated}_exact"
        names = [param.name for param in symbol.decl.params]
        self.params = dict(zip(names, kinds, strict=True))
        self.python_names = {name: unit.names.fresh("l") for name in self._locals()}
        self.kinds: dict[str, Kinds] = dict(self.params)

    def _locals(self) -> list[str]:
        declared = declared_names(self.symbol.decl.body)
        return list(dict.fromkeys([*self.params, *declared]))

    def write(self) -> Lines:
        """Return the code once the kinds of all locals are stable."""
        for _ in range(MAX_ROUNDS):
            before = dict(self.kinds)
            lines, result = self._round()
            if before == self.kinds:
                self._check(lines, result)
                form = ExactForm(self.generated, self.param_kinds, result)
                self.unit.symbols.exact[self.symbol.name] = form
                return lines
        raise _NotProvableError

    def _check(self, lines: Lines, result: Kinds) -> None:
        is_proven = all(kind in _PROVABLE for kind in [*self.kinds.values(), result])
        if not is_proven or any(_NO_FRAME in text for text in lines.texts):
            raise _NotProvableError

    def _round(self) -> tuple[Lines, Kinds]:
        scope = body_scope(self.unit.names, self.unit.symbols, self.unit.sites)
        scope.is_exact = True
        scope.frame = _NO_FRAME
        lines = Lines()
        lines.vpl_line = self.symbol.decl.span.line
        params = [self.python_names[name] for name in self.params]
        with lines.block(f"def {self.generated}({', '.join(['x', *params])}):"):
            body = _ExactBody(scope, lines, self.unit.sites, self)
            for name in self.params:
                scope.locals[name] = variable(self.python_names[name], self.kinds[name])
            if self.symbol.has_loop:
                lines.add("n = more_turns(x, 0)")
            body.block(self.symbol.decl.body)
            if not body.is_ended:
                raise _NotProvableError
        return lines, body.result


class _ExactBody(Body):
    """Writes statements of proven kinds and tracks which locals are set.

    `scope.locals` holds the locals that are set for sure at the present place; reading
    another one is not provable. `is_ended` tells that control does not come here.
    """

    def __init__(self, scope: Scope, lines: Lines, sites: Sites, owner: _Exact) -> None:
        is_float = False
        if owner.symbol.decl.result is not None:
            is_float = owner.symbol.decl.result.name == "float"
        super().__init__(scope, lines, sites, is_float=is_float)
        self.owner = owner
        self.result: Kinds = 0
        self.is_ended = False

    def block(self, statements: Sequence[nodes.Stmt]) -> None:
        """Write a function body; a last expression is its result."""
        *before, last = statements
        if any(isinstance(s, nodes.ExprStmt) for s in walk(*before)):
            raise _NotProvableError
        self.statements(before)
        if isinstance(last, nodes.ExprStmt):
            self._return(nodes.Return(last.value, span=last.span))
        else:
            self.statements([last])

    def _set_local(self, name: str, value: nodes.Expr) -> None:
        code = self.expressions.code(value)
        self._known(name, code)
        self.lines.add(f"{self.owner.python_names[name]} = {code.text}")

    def _known(self, name: str, code: Code) -> None:
        owner = self.owner
        owner.kinds[name] = owner.kinds.get(name, 0) | code.kinds
        python_name = owner.python_names[name]
        self.scope.locals[name] = variable(python_name, owner.kinds[name])

    def _assign(self, node: nodes.Assign) -> None:
        self._set_local(node.name, node.value)

    def _if(self, node: nodes.IfStmt) -> None:
        before = dict(self.scope.locals)
        ends: list[dict[str, Code]] = []
        word = "if"
        for test, block in [*node.branches, (None, node.orelse)]:
            self.scope.locals, self.is_ended = dict(before), False
            head = "else:" if test is None else ""
            if test is not None:
                condition = self.expressions.condition(test)
                head = f"{word} {condition.text}:"
            with self.lines.block(head):
                self.statements(block)
            if not self.is_ended:
                ends.append(self.scope.locals)
            word = "elif"
        self._join(ends)

    def _join(self, ends: list[dict[str, Code]]) -> None:
        """Go on with the locals that are set on every way that leads here."""
        self.is_ended = not ends
        if ends:
            shared = set(ends[0]).intersection(*ends[1:])
            self.scope.locals = {name: ends[0][name] for name in sorted(shared)}

    def _for(self, node: nodes.ForStmt) -> None:
        if not isinstance(node.iterable, nodes.Range) or node.second is not None:
            raise _NotProvableError
        ints = self.expressions.lazy_range(node.iterable)
        before = dict(self.scope.locals)
        self._known(node.variable, combine("", INT))
        target = self.owner.python_names[node.variable]
        with self.lines.block(f"for {target} in {ints.text}:"):
            self._count_turn(node.body)
            self.statements(node.body)
        self.scope.locals, self.is_ended = before, False

    def _while(self, node: nodes.WhileStmt) -> None:
        condition = self.expressions.condition(node.condition)
        before = dict(self.scope.locals)
        with self.lines.block(f"while {condition.text}:"):
            self._count_turn(node.body)
            self.statements(node.body)
        self.scope.locals, self.is_ended = before, False

    def _statement(self, node: nodes.Stmt) -> None:
        super()._statement(node)
        if isinstance(node, nodes.Return | nodes.Break | nodes.Continue):
            self.is_ended = True

    def _return(self, node: nodes.Return) -> None:
        if node.value is None:
            raise _NotProvableError
        code = self._widened(self.expressions.code(node.value))
        self.result |= code.kinds
        self.lines.add(f"return {code.text}")
        self.is_ended = True

    def _emit(self, node: nodes.EmitStmt) -> None:
        raise _NotProvableError

    def _expression(self, node: nodes.ExprStmt) -> None:
        raise _NotProvableError
