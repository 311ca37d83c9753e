"""Calls of functions and builtins: E050, E051, W054."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import AGGREGATES, BUILTINS
from vpl.diagnostics import Diagnostic, Related
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import children, flat, walk

_AGGREGATING = frozenset(("aggregate", "trend_aggregate"))
_Scope = frozenset[str]


def hidden_builtins(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of functions that have the name of a builtin (W054)."""
    for name, function in symbols.functions.items():
        if name in BUILTINS:
            message = f"function '{name}' hides the builtin of that name"
            yield Diagnostic("W054", message, function.name_span)


def calls(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the name and the number of arguments of every call."""
    nothing: _Scope = frozenset()
    for decl, tree in symbols.trees:
        called = [node for node in tree if isinstance(node, nodes.Call)]
        if not called:
            continue
        names = _locals(tree) if isinstance(decl, nodes.FnDecl) else nothing
        if any(_needs_care(node) for node in tree):
            yield from _below(decl, names, symbols)
            continue
        for call in called:
            if isinstance(call.function, nodes.Name):
                yield from _call(call, call.function, names, symbols)


def _needs_care(node: nodes.Node) -> bool:
    """Tell whether calls below `node` see other names, or are judged elsewhere."""
    if isinstance(node, nodes.Operation):
        return node.name in _AGGREGATING
    return isinstance(node, nodes.Lambda)


def _below(root: nodes.Node, known: _Scope, symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the calls below `root`; `known` are the locals, which may hold lambdas."""
    waiting: list[tuple[nodes.Node, _Scope]] = [(root, known)]
    while waiting:
        node, names = waiting.pop()
        if isinstance(node, nodes.Operation) and node.name in _AGGREGATING:
            waiting.extend((part, names) for part in _aggregated(node))
            continue
        if isinstance(node, nodes.Lambda):
            names |= frozenset(node.params)
            names |= _locals(flat(*node.statements))
        elif isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name):
            yield from _call(node, node.function, names, symbols)
        waiting.extend((child, names) for child in children(node))


def _aggregated(op: nodes.Operation) -> Iterator[nodes.Node]:
    """Yield what is evaluated per event: the arguments of the aggregate calls.

    The calls around them are judged by the rule for aggregates.
    """
    for node in walk(*op.args):
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name):
            for arg in node.args if node.function.id in AGGREGATES else ():
                distinct = (
                    isinstance(arg, nodes.Call)
                    and isinstance(arg.function, nodes.Name)
                    and arg.function.id == "distinct"
                )
                yield from children(arg) if distinct else (arg,)


def _locals(tree: list[nodes.Node]) -> _Scope:
    """Return every name that is a parameter or a local in a tree."""
    found: set[str] = set()
    for node in tree:
        if isinstance(node, nodes.VarDecl | nodes.Assign | nodes.FnParam):
            found.add(node.name)
        elif isinstance(node, nodes.ForStmt):
            found.update(name for name in (node.variable, node.second) if name)
    return frozenset(found)


def _call(
    call: nodes.Call, function: nodes.Name, names: _Scope, symbols: Symbols
) -> Iterator[Diagnostic]:
    name = function.id
    if name in symbols.functions:
        declared = symbols.functions[name]
        count = len(declared.params)
        related = Related("declared here", declared.name_span)
        yield from _count(call, function, (count, count), related)
    elif name in names or name in symbols.variables or name in symbols.broken:
        yield from _lambda_count(call, function, symbols)
    elif name in BUILTINS:
        builtin = BUILTINS[name]
        yield from _count(call, function, (builtin.least, builtin.most), None)
    else:
        callable_names = (*symbols.functions, *sorted(names), *BUILTINS)
        guess = hint(name, callable_names)
        if name in AGGREGATES:
            guess = f"'{name}' is an aggregate: use it inside '.aggregate(..)'"
        message = f"unknown function '{name}'"
        yield Diagnostic("E050", message, function.span, guess)


def _lambda_count(
    call: nodes.Call, function: nodes.Name, symbols: Symbols
) -> Iterator[Diagnostic]:
    """Check a call of a global that is bound to a lambda for good."""
    variable = symbols.variables.get(function.id)
    if variable is None or variable.keyword == "var":
        return
    if isinstance(variable.value, nodes.Lambda):
        count = len(variable.value.params)
        related = Related("declared here", variable.name_span)
        yield from _count(call, function, (count, count), related)


def _count(
    call: nodes.Call,
    function: nodes.Name,
    bounds: tuple[int, int | None],
    related: Related | None,
) -> Iterator[Diagnostic]:
    least, most = bounds
    given = len(call.args)
    if given >= least and (most is None or given <= most):
        return
    wanted = str(least) if least == most else f"{least} to {most}"
    if most is None:
        wanted = f"at least {least}"
    plural = "" if wanted == "1" else "s"
    message = f"'{function.id}' takes {wanted} argument{plural}, {given} given"
    advice = "the value before the dot is the first argument" if call.method else None
    places = () if related is None else (related,)
    yield Diagnostic("E051", message, function.span, advice, places)
