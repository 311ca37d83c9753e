"""Globals and locals: E040, E043, E044, W043, and E062 for `const`."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import BUILTINS
from vpl.diagnostics import Diagnostic, Related
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import children, walk

_Locals = dict[str, nodes.VarDecl | None]
_BREAKS = frozenset((nodes.Break, nodes.Continue))
_NOT_CONSTANT = frozenset(("now",))


def top_level_assignments(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check `name := value` at the top level: the name must be a `var`."""
    for decl in symbols.program.body:
        if not isinstance(decl, nodes.Assign):
            continue
        variable = symbols.variables.get(decl.name)
        if variable is not None:
            yield from _immutable(decl, variable)
        elif decl.name not in symbols.broken:
            guess = hint(decl.name, symbols.variables)
            message = f"unknown global '{decl.name}'"
            declare = f"declare it: var {decl.name} = .."
            yield Diagnostic("E043", message, decl.name_span, guess or declare)


def _immutable(node: nodes.Assign, variable: nodes.VarDecl) -> Iterator[Diagnostic]:
    if variable.keyword == "var":
        return
    related = (Related("declared here", variable.name_span),)
    message = f"'{node.name}' is declared with '{variable.keyword}' and cannot change"
    advice = "declare it with 'var'"
    yield Diagnostic("E040", message, node.name_span, advice, related)


def local_assignments(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check assignments in functions and lambda blocks, in the order of the text."""
    if not symbols.all(nodes.Assign):
        return
    for decl, tree in symbols.trees:
        if nodes.Assign not in map(type, tree):
            continue
        known: _Locals = {}
        if isinstance(decl, nodes.FnDecl):
            known = {param.name: None for param in decl.params}
        elif isinstance(decl, nodes.Assign):
            yield from _assignments([decl.value], known, symbols)
            continue
        yield from _assignments(children(decl), known, symbols)


def _assignments(
    roots: list[nodes.Node], known: _Locals, symbols: Symbols
) -> Iterator[Diagnostic]:
    waiting = [(node, known) for node in reversed(roots)]
    while waiting:
        node, scope = waiting.pop()
        match node:
            case nodes.VarDecl():
                scope[node.name] = node
            case nodes.Assign():
                yield from _assignment(node, scope, symbols)
            case nodes.ForStmt():
                scope[node.variable] = None
                if node.second is not None:
                    scope[node.second] = None
            case nodes.Lambda():
                scope = scope | dict.fromkeys(node.params)
        waiting.extend((child, scope) for child in reversed(children(node)))


def _assignment(
    node: nodes.Assign, known: _Locals, symbols: Symbols
) -> Iterator[Diagnostic]:
    name = node.name
    if name in known:
        variable = known[name]
        if variable is not None:
            yield from _immutable(node, variable)
    elif name in symbols.variables:
        yield from _immutable(node, symbols.variables[name])
    elif name not in symbols.broken:
        known[name] = None
        guess = hint(name, (*known, *symbols.variables))
        message = f"assignment makes a new local '{name}'"
        advice = guess or f"write 'var {name} = ..' to declare it"
        yield Diagnostic("W043", message, node.name_span, advice)


def loop_control(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report `break` and `continue` outside a loop (E044)."""
    if not symbols.all(nodes.Break) and not symbols.all(nodes.Continue):
        return
    waiting: list[tuple[nodes.Node, bool]] = [
        (decl, False)
        for decl, tree in symbols.trees
        if not _BREAKS.isdisjoint(map(type, tree))
    ]
    while waiting:
        node, in_loop = waiting.pop()
        if isinstance(node, nodes.Break | nodes.Continue) and not in_loop:
            word = "break" if isinstance(node, nodes.Break) else "continue"
            yield Diagnostic("E044", f"'{word}' outside a loop", node.span)
        if isinstance(node, nodes.ForStmt | nodes.WhileStmt):
            in_loop = True
        elif isinstance(node, nodes.Lambda):
            in_loop = False
        waiting.extend((child, in_loop) for child in children(node))


def constants(symbols: Symbols) -> Iterator[Diagnostic]:
    """Require constant expressions after `const` (E062)."""
    for node in symbols.all(nodes.VarDecl):
        if node.keyword == "const":
            culprit = not_constant(node.value, symbols)
            if culprit is not None:
                message = f"the value of const '{node.name}' is not constant"
                yield Diagnostic("E062", message, culprit.span, "use 'let'")


def not_constant(root: nodes.Expr, symbols: Symbols) -> nodes.Node | None:
    """Return the first part of an expression that is not known at load, if any."""
    own = {name for node in walk(root) for name in _parameters(node)}
    functions = {
        id(node.function) for node in walk(root) if isinstance(node, nodes.Call)
    }
    for node in walk(root):
        match node:
            case nodes.Call(function=nodes.Name(id=name)):
                if name not in BUILTINS or name in _NOT_CONSTANT:
                    return node
                if name in symbols.functions:
                    return node
            case nodes.Name(id=name) if id(node) not in functions:
                variable = symbols.variables.get(name)
                fixed = variable is not None and variable.keyword != "var"
                if not fixed and name not in own and name not in symbols.broken:
                    return node
    return None


def _parameters(node: nodes.Node) -> tuple[str, ...]:
    return node.params if isinstance(node, nodes.Lambda) else ()
