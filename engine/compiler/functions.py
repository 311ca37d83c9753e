"""User functions and lambdas -> Python functions (vpl.md section 7).

A function gets the frame `x`, its call depth `d` and its parameters. Locals live in
Python locals; the scope is the whole function. Loops and recursion count towards the
next look at the clock.
"""

from collections.abc import Sequence
from typing import Final

from engine.compiler.code import FRAME, Code, combine, variable
from engine.compiler.expressions import Expressions
from engine.compiler.kinds import ANY, FIELD, FLOAT, FUNCTION, INT, NULL, STR, within
from engine.compiler.lines import Lines
from engine.compiler.namespace import Namespace
from engine.compiler.readers import RowReader
from engine.compiler.scopes import Scope
from engine.compiler.sites import Sites
from engine.compiler.symbols import CLASSES, FunctionSymbol, NativeForm, Symbols
from engine.runtime import access
from engine.runtime.frame import more_turns, tick, too_deep
from engine.runtime.giveup import GiveUp, exact_divide, exact_modulo, give_up
from engine.runtime.native_memory import LEFT
from engine.runtime.values import Function
from vpl import nodes, walk

NODES_PER_UNIT: Final = 64  # of a loop's body; that much time is one unit
RUNTIME: Final = {
    "items": access.items,
    "pairs": access.pairs,
    "too_deep": too_deep,
    "tick": tick,
    "more_turns": more_turns,
    "Function": Function,
    "GiveUp": GiveUp,
    "give_up": give_up,
    "exact_divide": exact_divide,
    "exact_modulo": exact_modulo,
    "LEFT": LEFT,
}


def body_scope(names: Namespace, symbols: Symbols, sites: Sites) -> Scope:
    """Return the scope of a function body: frame `x`, call depth `d`."""
    uses = frozenset({FRAME})
    row = Code("x.row", ANY, 1, uses)
    partition = Code("x.partition", FIELD, 1, uses)
    reader = RowReader(names, row, None, partition=partition)
    event_type = Code("x.type", STR | NULL, 1, uses)

    def make_lambda(scope: Scope, node: nodes.Lambda) -> Code:
        return compile_lambda(scope, node, sites)

    return Scope(names, symbols, "x", "d + 1", reader, event_type, make_lambda)


def compile_function(
    symbol: FunctionSymbol, names: Namespace, symbols: Symbols, sites: Sites
) -> Lines:
    """Return the Python function of a user function."""
    scope = body_scope(names, symbols, sites)
    params = _declare_params(scope, [param.name for param in symbol.decl.params])
    lines = Lines()
    lines.vpl_line = symbol.decl.span.line
    with lines.block(f"def {symbol.generated}({', '.join(['x', 'd', *params])}):"):
        body = Body(scope, lines, sites, is_float=_is_float(symbol.decl.result))
        body.check_depth()
        for name, param in zip(params, symbol.decl.params, strict=True):
            if _is_float(param.type):
                lines.add(f"if {name}.__class__ is int: {name} = float({name})")
        native = symbols.native.get(symbol.name)
        if native is not None:
            _try_native(native, params, body)
        exact = symbols.exact.get(symbol.name)
        if exact is not None:
            with lines.block(f"if {exact.entry_test(params)}:"):
                listed = ", ".join(["x", *params])
                lines.add(f"try: return {exact.generated}({listed})")
                lines.add("except GiveUp: pass")
        body.statements_with_result(symbol.decl.body, pays=symbol.may_recurse)
    return lines


def _try_native(native: NativeForm, params: Sequence[str], body: "Body") -> None:
    """Call the machine code for arguments of the kinds it takes.

    What it reads besides is read here, once, and must have the expected kinds too.
    """
    scope, lines = body.scope, body.lines
    tests = [
        f"{name}.__class__ is {CLASSES[kind]}"
        for name, kind in zip(params, native.params, strict=True)
    ]
    given = [*params]
    for name, kind in native.inputs:
        temp = scope.temp()
        value = scope.name(name)
        tests.append(f"({temp} := {value.text}).__class__ is {CLASSES[kind]}")
        given.append(temp)
    with lines.block(f"if {' and '.join(tests) or 'True'}:"):
        lines.add(f"z = {native.generated}({', '.join(['x', 'd', *given])})")
        lines.add("if z is not LEFT: return z")


def _is_float(type_ref: nodes.TypeRef | None) -> bool:
    return type_ref is not None and type_ref.name == "float"


def _declare_params(scope: Scope, params: Sequence[str]) -> list[str]:
    generated = []
    for name in params:
        python_name = scope.names.fresh("l")
        scope.locals[name] = variable(python_name)
        generated.append(python_name)
    return generated


def compile_lambda(outer: Scope, node: nodes.Lambda, sites: Sites) -> Code:
    """Return code that gives the lambda as a value.

    Inside a function it is a nested Python function, so that it sees the locals as
    they are when it runs; elsewhere a function of the module.
    """
    names = outer.names
    scope = body_scope(names, outer.symbols, sites)
    is_nested = outer.before is not None
    scope.locals = dict(outer.locals) if is_nested else {}
    captured = frozenset(scope.locals)
    params = _declare_params(scope, node.params)
    name = names.fresh("lam")
    lines = Lines()
    with lines.block(f"def {name}({', '.join(['x', 'd', *params])}):"):
        body = Body(scope, lines, sites)
        body.check_depth()
        body.lambda_body(node, captured - frozenset(node.params))
    kinds = FUNCTION
    if is_nested and outer.before is not None:
        outer.before.extend(lines.texts)
        made = f"Function({name}, {len(params)})"
        return Code(made, kinds, 1, frozenset({name, FRAME}))
    names.functions.append(lines)
    names.module_lines.append(f"F_{name} = Function({name}, {len(params)})")
    return Code(f"F_{name}", kinds, 1, frozenset({FRAME}))


class Body:
    """Compiles the statements of one function or lambda."""

    def __init__(
        self, scope: Scope, lines: Lines, sites: Sites, *, is_float: bool = False
    ) -> None:
        self.scope = scope
        self.lines = lines
        self.sites = sites
        self.is_float = is_float
        self.expressions = Expressions(scope)
        self.has_result = False
        scope.before = []

    def check_depth(self) -> None:
        """Give null beyond the recursion depth."""
        self.lines.add("if d > x.depth_limit: return too_deep(x)")

    def statements_with_result(
        self, statements: Sequence[nodes.Stmt], *, pays: bool
    ) -> None:
        """Compile a function body: the result is the last expression statement."""
        self._declare_locals(statements, frozenset())
        parts = list(walk(*statements))
        if any(isinstance(part, nodes.ForStmt | nodes.WhileStmt) for part in parts):
            self._pay_in_advance()
        elif pays:
            self.lines.add("x.n -= 1", "if x.n < 0: tick(x)")
        self.has_result = any(isinstance(part, nodes.ExprStmt) for part in parts)
        if self.has_result:
            self.lines.add("z = None")
        self.statements(statements)
        if self.has_result:
            self.lines.add("return z")

    def lambda_body(self, node: nodes.Lambda, captured: frozenset[str]) -> None:
        """Compile the body of a lambda; its result is its last expression."""
        self._declare_locals(node.statements, captured)
        parts = list(walk(*node.statements))
        if any(isinstance(part, nodes.ForStmt | nodes.WhileStmt) for part in parts):
            self._pay_in_advance()
        self.statements(node.statements)
        if node.result is not None:
            value = self.expressions.code(node.result)
            self._flush()
            self.lines.add(f"return {value.text}")

    def _pay_in_advance(self) -> None:
        self.lines.add("n = more_turns(x, 0)")

    def _declare_locals(
        self, statements: Sequence[nodes.Stmt], captured: frozenset[str]
    ) -> None:
        """Give every local a Python name; all of them are null at first."""
        own, outer = self._assigned(statements, captured)
        if outer:
            listed = ", ".join(self.scope.locals[name].text for name in sorted(outer))
            self.lines.add(f"nonlocal {listed}")
        fresh = []
        for name in own:
            python_name = self.scope.names.fresh("l")
            self.scope.locals[name] = variable(python_name)
            fresh.append(python_name)
        if fresh:
            self.lines.add(f"{' = '.join(fresh)} = None")

    def _assigned(
        self, statements: Sequence[nodes.Stmt], captured: frozenset[str]
    ) -> tuple[list[str], set[str]]:
        """Return the names that become locals here, and captured ones that change."""
        declared = declared_names(statements)
        params = [name for name in self.scope.locals if name not in captured]
        own = [name for name in declared if name not in params]
        outer = set()
        for name in assigned_names(statements):
            if name in own or name in params:
                continue
            if name in captured:
                outer.add(name)
            elif name not in self.scope.symbols.globals:
                own.append(name)
        return own, outer

    # --- statements -------------------------------------------------------------

    def statements(self, statements: Sequence[nodes.Stmt]) -> None:
        """Compile statements in order."""
        for statement in statements:
            self.lines.vpl_line = statement.span.line
            self._statement(statement)

    def _statement(self, node: nodes.Stmt) -> None:  # noqa: C901 - one line per class
        match node:
            case nodes.VarDecl():
                self._set_local(node.name, node.value)
            case nodes.Assign():
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
                self.lines.add("break")
            case nodes.Continue():
                self.lines.add("continue")
            case nodes.EmitStmt():
                self._emit(node)
            case nodes.ExprStmt():
                self._expression(node)

    def _flush(self) -> None:
        """Write the lambdas the statement at hand needs before it."""
        if self.scope.before:
            self.lines.add(*self.scope.before)
            self.scope.before.clear()

    def _set_local(self, name: str, value: nodes.Expr) -> None:
        code = self.expressions.code(value)
        self._flush()
        self.lines.add(f"{self.scope.locals[name].text} = {code.text}")

    def _assign(self, node: nodes.Assign) -> None:
        if node.name in self.scope.locals:
            self._set_local(node.name, node.value)
            return
        symbol = self.scope.symbols.globals[node.name]
        code = self.expressions.stored(node.value)
        self._flush()
        text = f"G.{symbol.attribute} = {code.text}"
        if self.scope.symbols.is_shared:  # each assignment statement is atomic
            with self.lines.block("with G_LOCK:"):
                self.lines.add(text)
        else:
            self.lines.add(text)

    def _if(self, node: nodes.IfStmt) -> None:
        conditions = [self.expressions.condition(test) for test, _ in node.branches]
        self._flush()
        word = "if"
        for condition, (_, block) in zip(conditions, node.branches, strict=True):
            with self.lines.block(f"{word} {condition.text}:"):
                self.statements(block)
            word = "elif"
        if node.orelse:
            with self.lines.block("else:"):
                self.statements(node.orelse)

    def _for(self, node: nodes.ForStmt) -> None:
        iterable = self._iterable(node)
        self._flush()
        target = self.scope.locals[node.variable].text
        if node.second is not None:
            target += f", {self.scope.locals[node.second].text}"
        with self.lines.block(f"for {target} in {iterable}:"):
            self._count_turn(node.body)
            self.statements(node.body)

    def _iterable(self, node: nodes.ForStmt) -> str:
        if isinstance(node.iterable, nodes.Range) and node.second is None:
            ints = self.expressions.lazy_range(node.iterable)
            return f"({ints.text} or ())" if ints.kinds & NULL else ints.text
        call = "items" if node.second is None else "pairs"
        value = self.expressions.code(node.iterable)
        return f"{call}({value.text}, {self.scope.frame})"

    def _while(self, node: nodes.WhileStmt) -> None:
        condition = self.expressions.condition(node.condition)
        self._flush()
        with self.lines.block(f"while {condition.text}:"):
            self._count_turn(node.body)
            self.statements(node.body)

    def _count_turn(self, body: Sequence[nodes.Stmt]) -> None:
        """Pay for one turn."""
        units = units_of_turn(body)
        self.lines.add(f"n -= {units}", "if n < 0: n = more_turns(x, n)")

    def _return(self, node: nodes.Return) -> None:
        if node.value is None:
            self.lines.add("return None")
            return
        code = self._widened(self.expressions.code(node.value))
        self._flush()
        self.lines.add(f"return {code.text}")

    def _expression(self, node: nodes.ExprStmt) -> None:
        code = self.expressions.code(node.value)
        if self.has_result:
            code = self._widened(code)
        self._flush()
        self.lines.add(f"z = {code.text}" if self.has_result else code.text)

    def _widened(self, code: Code) -> Code:
        """Make an int a float where the function says so."""
        if not self.is_float or not code.kinds & INT:
            return code
        kinds = (code.kinds & ~INT) | FLOAT
        if within(code.kinds, INT):
            return combine(f"float({code.text})", FLOAT, code)
        temp = self.scope.temp()
        test = f"({temp} := {code.text}).__class__ is int"
        return combine(f"(float({temp}) if {test} else {temp})", kinds, code)

    def _emit(self, node: nodes.EmitStmt) -> None:
        site = self.sites.statement(self.scope.names, node)
        values = [self.expressions.sent(arg.value) for arg in node.args]
        self._flush()
        with self.lines.block("if x.emits is not None:"):
            self.lines.add(f"x.emits.append({site.construct(values)})")


def units_of_turn(body: Sequence[nodes.Stmt]) -> int:
    """Return what one turn of a loop costs: a long body more than a short one."""
    return 1 + sum(1 for _ in walk(*body)) // NODES_PER_UNIT


def declared_names(statements: Sequence[nodes.Stmt]) -> list[str]:
    """Return the names `let`, `var` and `for` make, lambdas left out."""
    found: dict[str, None] = {}
    for node in own_nodes(statements):
        if isinstance(node, nodes.VarDecl):
            found[node.name] = None
        elif isinstance(node, nodes.ForStmt):
            found[node.variable] = None
            if node.second is not None:
                found[node.second] = None
    return list(found)


def assigned_names(statements: Sequence[nodes.Stmt]) -> list[str]:
    """Return the names that are assigned, lambdas left out."""
    parts = own_nodes(statements)
    return list(dict.fromkeys(p.name for p in parts if isinstance(p, nodes.Assign)))


def own_nodes(statements: Sequence[nodes.Stmt]) -> list[nodes.Node]:
    """Return all nodes of the statements that do not stand in a lambda."""
    hidden: set[int] = set()
    found = []
    for node in walk(*statements):
        if id(node) in hidden:
            continue
        found.append(node)
        if isinstance(node, nodes.Lambda):
            hidden.update(map(id, walk(*node.statements)))
    return found
