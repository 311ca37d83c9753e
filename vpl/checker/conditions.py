"""Kinds that cannot fit: E052, E060, E061, E062 and W060."""

from collections.abc import Iterator, Mapping

from vpl import nodes
from vpl.catalog import OPERATIONS, OperationSpec
from vpl.checker.sequences import is_sequence
from vpl.checker.variables import not_constant
from vpl.checker.views import views
from vpl.diagnostics import Diagnostic
from vpl.kinds import ORDERED, can_order, declared_kind, is_arithmetic, kind_of
from vpl.nodes import TypeRef
from vpl.symbols import Symbols
from vpl.visitor import children, walk

_JUDGED = frozenset((
    *(nodes.IfStmt, nodes.WhileStmt, nodes.IfExpr, nodes.Binary, nodes.Operation),
    *(nodes.SourcePart, nodes.EventSource, nodes.SequenceStep, nodes.PatternEvent),
))
_FILTERS = frozenset(("where", "filter", "having"))
_Fields = Mapping[str, TypeRef] | None


def conditions(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check that conditions may be bool and that comparisons may hold."""
    seen = _seen(symbols)
    for decl, tree in symbols.trees:
        judged = [node for node in tree if _is_judged(node)]
        if not judged:
            continue
        fields: _Fields = None
        if isinstance(decl, nodes.StreamDecl) and _keeps_fields(decl):
            source = decl.source
            if isinstance(source, nodes.EventSource):
                fields = _visible(symbols.fields_of(source.name), tree)
        for node in judged:
            if isinstance(node, nodes.Binary):
                yield from _comparison(node, seen.get(id(node), fields))
            else:
                for condition in _conditions_of(node):
                    yield from _condition(condition, seen.get(id(condition), fields))


def _seen(symbols: Symbols) -> dict[int, _Fields]:
    """Return the declared fields that parts of sequences and patterns read, by id."""
    found: dict[int, _Fields] = {}
    for decl, root, view in views(symbols):
        if isinstance(decl, nodes.PatternDecl) or is_sequence(decl, symbols):
            tree = list(walk(root))
            fields = _visible(view.bare, tree)
            found.update((id(node), fields) for node in tree)
    return found


def _visible(fields: _Fields, tree: list[nodes.Node]) -> _Fields:
    """Leave out the fields that a parameter of a lambda may hide."""
    if fields is None:
        return None
    lambdas = (node for node in tree if isinstance(node, nodes.Lambda))
    hidden = {name for node in lambdas for name in node.params}
    return {name: kind for name, kind in fields.items() if name not in hidden}


def _keeps_fields(stream: nodes.StreamDecl) -> bool:
    """Tell whether all operations see the events of the source unchanged: they are
    filters, and what makes new events comes last."""
    plain = {"where", "filter", "to", "context", "print", "log", "tap"}
    names = [op.name if isinstance(op, nodes.Operation) else "" for op in stream.ops]
    while names and names[-1] in {"to", "context"}:
        names.pop()
    return all(name in plain for name in names[:-1]) and (
        not names or names[-1] in plain | {"emit", "select", "process"}
    )


def _is_judged(node: nodes.Node) -> bool:
    """Tell whether a node may hold conditions or compare; most do not."""
    if node.__class__ not in _JUDGED:
        return False
    if isinstance(node, nodes.Binary):
        return node.op in ORDERED
    if isinstance(node, nodes.Operation):
        return node.name in _FILTERS or node.where is not None
    return not isinstance(node, nodes.EventSource) or node.where is not None


def _conditions_of(node: nodes.Node) -> list[nodes.Expr]:
    """Return the conditions that stand directly in `node`."""
    match node:
        case nodes.IfStmt(branches=branches):
            return [condition for condition, _ in branches]
        case nodes.WhileStmt(condition=condition) | nodes.IfExpr(condition=condition):
            return [condition]
        case nodes.Operation(name="where" | "filter" | "having", args=args):
            return [arg.value for arg in args]
        case nodes.SourcePart(where=where, on=on):
            return [*where, *on]
        case (
            nodes.EventSource(where=where)
            | nodes.SequenceStep(where=where)
            | nodes.PatternEvent(where=where)
            | nodes.Operation(where=where)
        ):
            return [] if where is None else [where]
    return []


def _condition(node: nodes.Expr, fields: _Fields) -> Iterator[Diagnostic]:
    kind = kind_of(node, fields)
    if kind is not None and kind != "bool":
        message = f"condition can never be true: it is {_article(kind)}"
        yield Diagnostic("E060", message, node.span, "compare it with something")
    elif is_arithmetic(node):
        message = "condition is arithmetic and not a comparison"
        yield Diagnostic("W060", message, node.span, "compare it with something")
    elif isinstance(node, nodes.Binary) and node.op in {"and", "or"}:
        yield from _condition(node.left, fields)
        yield from _condition(node.right, fields)
    elif isinstance(node, nodes.Unary) and node.op == "not":
        yield from _condition(node.operand, fields)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aei" else f"a {kind}"


def _comparison(node: nodes.Binary, fields: _Fields) -> Iterator[Diagnostic]:
    left, right = kind_of(node.left, fields), kind_of(node.right, fields)
    if not can_order(left, right):
        message = f"'{left} {node.op} {right}' is never true nor false"
        yield Diagnostic("E060", message, node.span)


def constant_arguments(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check durations (E061) and constants (E062) in operations and sources."""
    for op in symbols.all(nodes.Operation):
        if op.name in OPERATIONS:
            yield from _operation(op, OPERATIONS[op.name], symbols)
    bounds = [step.within for step in symbols.all(nodes.SequenceStep)]
    bounds += [pattern.within for pattern in symbols.all(nodes.PatternDecl)]
    for bound in bounds:
        if bound is not None:
            yield from _duration(bound, symbols)
    for timer in symbols.all(nodes.TimerSource):
        yield from _duration(timer.interval, symbols)
        for arg in timer.args:
            if arg.name == "initial_delay":
                yield from _duration(arg.value, symbols)


def _operation(
    op: nodes.Operation, spec: OperationSpec, symbols: Symbols
) -> Iterator[Diagnostic]:
    wanted = {parameter.name: parameter.kind for parameter in spec.parameters}
    for arg in op.args:
        kind = spec.positional if arg.name is None else wanted.get(arg.name)
        if kind == "duration":
            yield from _duration(arg.value, symbols)
        elif kind in {"constant", "count"}:
            yield from _constant(arg.value, symbols)
            if kind == "count" and kind_of(arg.value) not in {"int", None}:
                message = f"'.{op.name}' wants a whole number"
                yield Diagnostic("E062", message, arg.value.span)


def _constant(node: nodes.Expr, symbols: Symbols) -> Iterator[Diagnostic]:
    culprit = not_constant(node, symbols)
    if culprit is not None:
        message = "constant expected: the value must be known when loading"
        yield Diagnostic("E062", message, culprit.span)


def _duration(node: nodes.Expr, symbols: Symbols) -> Iterator[Diagnostic]:
    kind = kind_of(node)
    if isinstance(node, nodes.Name) and node.id in symbols.variables:
        kind = kind_of(symbols.variables[node.id].value)
    if kind not in {"duration", None}:
        advice = "write a unit: 5s, 10m, 1h30m"
        message = f"duration expected, found {_article(kind or '')}"
        yield Diagnostic("E061", message, node.span, advice)
    else:
        yield from _constant(node, symbols)


def literal_types(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report literals given where another type is declared (E052)."""
    for variable in symbols.all(nodes.VarDecl):
        if variable.type is not None:
            yield from _literal(variable.value, variable.type, f"'{variable.name}'")
    for call in symbols.all(nodes.Call) if symbols.functions else ():
        yield from _literal_arguments(call, symbols)
    for function in symbols.all(nodes.FnDecl):
        if function.result is not None:
            for value in _results(function):
                yield from _literal(value, function.result, "the result")


def _literal_arguments(call: nodes.Call, symbols: Symbols) -> Iterator[Diagnostic]:
    if not isinstance(call.function, nodes.Name):
        return
    function = symbols.functions.get(call.function.id)
    for param, value in zip(
        function.params if function else (), call.args, strict=False
    ):
        if param.type is not None:
            yield from _literal(value, param.type, f"'{param.name}'")


def _results(function: nodes.FnDecl) -> Iterator[nodes.Expr]:
    """Yield the values after `return`, those of lambdas left out."""
    waiting: list[nodes.Node] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Return) and node.value is not None:
            yield node.value
        elif not isinstance(node, nodes.Lambda):
            waiting.extend(children(node))


def _literal(value: nodes.Expr, type_ref: TypeRef, what: str) -> Iterator[Diagnostic]:
    wanted = declared_kind(type_ref)
    plain = value.operand if isinstance(value, nodes.Unary) else value
    if wanted is None or not isinstance(plain, nodes.Literal | nodes.ArrayLiteral):
        return
    kind = kind_of(value)
    widened = wanted == "float" and kind == "int"
    if kind in {wanted, "null", None} or widened:
        return
    message = f"{what} is declared as {wanted}, this is {_article(kind or '')}"
    yield Diagnostic("E052", message, value.span)
