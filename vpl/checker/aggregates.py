"""Aggregates and where they may stand: E070 to E073."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import AGGREGATES, BUILTINS
from vpl.checker.variables import not_constant
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import children


def aggregates(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check every expression in `.aggregate` and `.trend_aggregate`."""
    for node in symbols.all(nodes.Operation):
        if node.name in {"aggregate", "trend_aggregate"}:
            trends = node.name == "trend_aggregate"
            for arg in node.args:
                yield from _expression(arg.value, symbols, trends=trends)


def _expression(
    root: nodes.Expr, symbols: Symbols, *, trends: bool
) -> Iterator[Diagnostic]:
    """Check around aggregate calls; their arguments are seen per event."""
    waiting: list[nodes.Node] = [root]
    while waiting:
        node = waiting.pop()
        match node:
            case nodes.Call(function=nodes.Name(id=name)) if _aggregates(name, trends):
                yield from _call(node, name, symbols)
            case nodes.Call(function=nodes.Name(id=name) as function) if (
                trends and name in AGGREGATES and len(node.args) <= 1
            ):
                message = f"'{name}' is no aggregate over trends"
                guess = hint(name, tuple(n for n in AGGREGATES if AGGREGATES[n].trends))
                yield Diagnostic("E070", message, function.span, guess)
            case nodes.Call(function=nodes.Name(id=name) as function):
                unknown = list(_other_call(name, function, symbols))
                yield from unknown
                waiting.extend(() if unknown else node.args)
            case nodes.Name(id=name):
                if name not in symbols.variables and name not in symbols.broken:
                    message = f"field '{name}' outside an aggregate call"
                    advice = f"say which value: first({name}), last({name}), .."
                    yield Diagnostic("E073", message, node.span, advice)
            case nodes.Member() | nodes.Lambda():
                continue
            case _:
                waiting.extend(children(node))


def _aggregates(name: str, trends: bool) -> bool:
    found = AGGREGATES.get(name)
    return found is not None and found.trends == trends


def _other_call(
    name: str, function: nodes.Name, symbols: Symbols
) -> Iterator[Diagnostic]:
    known = {*BUILTINS, *symbols.functions, *symbols.variables, *symbols.broken}
    if name not in known:
        message = f"unknown aggregate '{name}'"
        guess = hint(name, (*AGGREGATES, *sorted(known)))
        yield Diagnostic("E070", message, function.span, guess)


def _call(call: nodes.Call, name: str, symbols: Symbols) -> Iterator[Diagnostic]:
    aggregate = AGGREGATES[name]
    given = len(call.args)
    if given == 0 and aggregate.least > 0:
        message = f"aggregate '{name}' needs an argument"
        yield Diagnostic("E071", message, call.span)
    elif not aggregate.least <= given <= aggregate.most:
        message = f"aggregate '{name}' takes {aggregate.least}, {given} given"
        yield Diagnostic("E072", message, call.span)
    elif given == 2 and not_constant(call.args[1], symbols) is not None:
        message = f"the second argument of '{name}' must be constant"
        yield Diagnostic("E072", message, call.args[1].span)
    elif given == 2 and not _fits(name, call.args[1]):
        message = f"the second argument of '{name}' must be {_SECOND[name]}"
        yield Diagnostic("E072", message, call.args[1].span)


_SECOND = {"percentile": "a number from 0 to 100", "ema": "a whole number from 1"}


def _fits(name: str, second: nodes.Expr) -> bool:
    """Tell whether a literal second argument is in its range; others may be."""
    negative = isinstance(second, nodes.Unary)
    literal = second.operand if isinstance(second, nodes.Unary) else second
    if not isinstance(literal, nodes.Literal):
        return True
    value = literal.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if negative and value:
        return False
    if name == "ema":
        return literal.kind == "int" and value >= 1
    return literal.kind in {"int", "float"} and value <= 100
