"""Connectors, contexts and their use: E030 to E034, E097, W080 to W083, W090, W092."""

from collections.abc import Iterator, Mapping

from vpl import nodes
from vpl.catalog import (
    AVAILABLE,
    CONNECTOR_KINDS,
    CONTEXT_PARAMS,
    OPTIONAL_PACKAGES,
    SOURCE_PARAMS,
    TIME_UNITS,
    ConnectorKind,
    ParamKind,
)
from vpl.diagnostics import Diagnostic, Related
from vpl.source import Span
from vpl.suggestions import hint
from vpl.symbols import Symbols

_LITERAL_KINDS: dict[ParamKind, frozenset[str]] = {
    "text": frozenset(("str",)),
    "int": frozenset(("int",)),
    "bool": frozenset(("bool",)),
    "duration": frozenset(("duration", "int", "float")),
}


def connector_declarations(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check kind and parameters of every connector."""
    for decl in symbols.program.body:
        if not isinstance(decl, nodes.ConnectorDecl):
            continue
        kind = CONNECTOR_KINDS.get(decl.kind)
        if kind is None:
            known = ", ".join(sorted(CONNECTOR_KINDS))
            advice = hint(decl.kind, CONNECTOR_KINDS) or f"known kinds: {known}"
            message = f"unknown connector kind '{decl.kind}'"
            yield Diagnostic("E033", message, decl.kind_span, advice)
            continue
        for param in decl.params:
            named = (param.name, param.value, param.name_span)
            yield from _parameter(named, kind.params, f"'{kind.name}'", symbols)


def context_declarations(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the parameters of every context."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.ContextDecl):
            for param in decl.params:
                named = (param.name, param.value, param.name_span)
                yield from _parameter(named, CONTEXT_PARAMS, "a context", symbols)


def _parameter(
    given: tuple[str, nodes.Expr, Span],
    known: Mapping[str, ParamKind],
    owner: str,
    symbols: Symbols,
) -> Iterator[Diagnostic]:
    name, value, place = given
    if name not in known:
        advice = hint(name, known) or "known: " + ", ".join(sorted(known))
        message = f"{owner} has no parameter '{name}'; it is ignored"
        yield Diagnostic("W080", message, place, advice)
    elif not _fits(value, known[name], symbols):
        message = f"parameter '{name}' wants {_WANTED[known[name]]}"
        yield Diagnostic("W081", message, value.span)
    if name == "exactly_once":
        message = "exactly-once delivery is not supported; delivery is at least once"
        yield Diagnostic("W083", message, place)


_WANTED: dict[ParamKind, str] = {
    "text": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "duration": "a duration",
    "ints": "an array of whole numbers",
    "time_unit": "one of 's', 'ms', 'us' and 'ns'",
    "any": "a value",
}


def _fits(value: nodes.Expr, kind: ParamKind, symbols: Symbols) -> bool:
    """Tell whether a constant may be a value of `kind`; unknown values fit."""
    if isinstance(value, nodes.Name):
        if value.id in symbols.variables or value.id in symbols.broken:
            return True
        if kind == "time_unit":
            return value.id in TIME_UNITS
        return kind in {"text", "any"}
    if isinstance(value, nodes.ArrayLiteral):
        part: ParamKind = "int" if kind == "ints" else "text"
        whole = kind in {"text", "ints", "any"}
        return whole and all(_fits(item, part, symbols) for item in value.items)
    if isinstance(value, nodes.Unary):
        value = value.operand
    if not isinstance(value, nodes.Literal) or kind == "any":
        return True
    if kind == "time_unit":
        return value.value in TIME_UNITS
    return value.kind in _LITERAL_KINDS.get(kind, ())


def connector_uses(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check connector and parameters of `from`, `to` and `enrich`."""
    for node in symbols.all(nodes.Operation):
        if node.target is None or node.name not in {"from", "to", "enrich"}:
            continue
        decl = symbols.connectors.get(node.target)
        supplied = symbols.host.connectors.get(node.target)
        kind = decl.kind if decl is not None else supplied
        if kind is None and node.target not in symbols.broken:
            known = (*symbols.connectors, *symbols.host.connectors)
            message = f"unknown connector '{node.target}'"
            guess = hint(node.target, known)
            yield Diagnostic("E030", message, node.target_span, guess)
        elif kind in CONNECTOR_KINDS:
            yield from _use(node, decl, CONNECTOR_KINDS[kind], symbols)


def _use(
    op: nodes.Operation,
    decl: nodes.ConnectorDecl | None,
    kind: ConnectorKind,
    symbols: Symbols,
) -> Iterator[Diagnostic]:
    place = op.target_span
    related = (Related("declared here", decl.name_span),) if decl else ()
    if op.name == "enrich":
        if not kind.enriches:
            message = f"a connector of kind '{kind.name}' cannot enrich"
            yield Diagnostic("E032", message, place, related=related)
        return
    if not _has_direction(op.name, kind):
        what = "a source" if op.name == "from" else "a sink"
        message = f"a connector of kind '{kind.name}' cannot be {what}"
        yield Diagnostic("E034", message, place, related=related)
        return
    if f"{kind.name} {op.name}" not in AVAILABLE and op.name in AVAILABLE:
        message = f"'.{op.name}' with connector kind '{kind.name}' is not available"
        yield Diagnostic("E090", f"{message} in this build", place, related=related)
    yield from _use_parameters(op, kind, symbols)


def _has_direction(direction: str, kind: ConnectorKind) -> bool:
    return kind.source if direction == "from" else kind.sink


def _use_parameters(
    op: nodes.Operation, kind: ConnectorKind, symbols: Symbols
) -> Iterator[Diagnostic]:
    known: dict[str, ParamKind] = {**kind.params, "topic": "any"}
    if op.name == "to":
        known |= {"batch": "any"}  # checked as a count
    if op.name == "from":
        known |= {"topic": "text", **SOURCE_PARAMS}
    for arg in op.args:
        named = (arg.name or "", arg.value, arg.span)
        yield from _parameter(named, known, f"'{kind.name}'", symbols)


def context_uses(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report streams put into contexts that are not declared (E031)."""
    for node in symbols.all(nodes.Operation):
        if node.name != "context":
            continue
        name = node.target or ""
        if name not in symbols.contexts and name not in symbols.broken:
            guess = hint(name, symbols.contexts)
            declare = f"declare it: context {name}"
            message = f"unknown context '{name}'"
            yield Diagnostic("E031", message, node.target_span, guess or declare)


def missing_packages(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report what needs a package that is not installed (E097, W097), once each."""
    told: set[str] = set()
    for op in symbols.all(nodes.Operation):
        decl = symbols.connectors.get(op.target or "")
        need = decl.kind if decl else symbols.host.connectors.get(op.target or "")
        if op.name not in {"from", "to", "enrich"}:
            need = op.name
        package = OPTIONAL_PACKAGES.get(need or "")
        if package is None or need in told or symbols.host.has_module(package.module):
            continue
        told.add(need or "")
        what = f"'.{need}'" if need == op.name else f"connector kind '{need}'"
        message = f"{what} needs the package '{package.module}', which is missing"
        place = op.target_span if op.target else op.name_span
        code = "E097" if symbols.host.loads else "W097"
        advice = f"pip install 'varpulis[{package.extra}]'"
        yield Diagnostic(code, message, place, advice)


def without_effect(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of config blocks (W090) and import aliases (W092)."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.ConfigDecl):
            yield Diagnostic("W090", "config blocks have no effect", decl.span)
        elif isinstance(decl, nodes.ImportDecl) and decl.alias is not None:
            message = "the alias of an import has no effect"
            yield Diagnostic("W092", message, decl.span)
