"""Names that are declared twice: E001 to E008."""

from collections import Counter
from collections.abc import Iterable, Iterator

from vpl import nodes
from vpl.checker.sources import named_events
from vpl.diagnostics import Diagnostic, Related
from vpl.source import Span
from vpl.symbols import Symbols

_ALIASED = (
    nodes.EventSource,
    nodes.SourcePart,
    nodes.SequenceStep,
    nodes.PatternEvent,
)
_CODES: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.EventDecl: ("E001", "event"),
    nodes.StreamDecl: ("E002", "stream"),
    nodes.FnDecl: ("E003", "function"),
    nodes.ConnectorDecl: ("E004", "connector"),
    nodes.ContextDecl: ("E005", "context"),
    nodes.PatternDecl: ("E006", "pattern"),
    nodes.TypeDecl: ("E007", "type"),
}


def duplicate_declarations(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report every declaration whose name an earlier one of its kind has."""
    first: dict[tuple[str, str], Span] = {}
    for decl in symbols.program.body:
        if type(decl) not in _CODES:
            continue
        code, kind = _CODES[type(decl)]
        name, place = _named(decl)
        if (code, name) in first:
            related = (Related("first declared here", first[code, name]),)
            message = f"{kind} '{name}' is declared twice"
            yield Diagnostic(code, message, place, related=related)
        else:
            first[code, name] = place


def ambiguous_names(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report a stream and a pattern of one name, if somebody takes events of that name.

    Nobody could tell whose are meant: those of the stream or the matches. A stream that
    is named like its own pattern, for others to ignore, is clear enough.
    """
    shared = [name for name in symbols.patterns if name in symbols.streams]
    takers = Counter(name for name, _ in named_events(symbols)) if shared else Counter()
    for name in shared:
        stream = symbols.streams[name]
        source = stream.source
        is_own = isinstance(source, nodes.EventSource) and source.name == name
        if takers[name] > is_own:
            yield _ambiguous(stream, symbols.patterns[name])


def _ambiguous(stream: nodes.StreamDecl, pattern: nodes.PatternDecl) -> Diagnostic:
    places = stream.name_span, pattern.name_span
    first, second = sorted(places, key=lambda place: (place.line, place.column))
    code, one, other = "E006", "pattern", "stream"
    if second is stream.name_span:
        code, one, other = "E002", "stream", "pattern"
    message = f"{one} '{stream.name}' has the name of a {other}, and what takes "
    return Diagnostic(
        code,
        f"{message}'{stream.name}' cannot tell which is meant",
        second,
        "rename one of them",
        related=(Related("first declared here", first),),
    )


def _named(decl: nodes.Node) -> tuple[str, Span]:
    name: str = getattr(decl, "name")  # noqa: B009  # every kind in _CODES has one
    place: Span = getattr(decl, "name_span")  # noqa: B009
    return name, place


def duplicate_names(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report parameters, fields and aliases of one name (E008)."""
    for decl, tree in symbols.trees:
        match decl:
            case nodes.FnDecl(params=params):
                yield from _twice("parameter", _places(params))
            case nodes.ConnectorDecl(params=params) | nodes.ContextDecl(params=params):
                yield from _twice("parameter", _places(params))
            case nodes.EventDecl(fields=fields):
                yield from _twice("field", _places(fields))
            case nodes.StreamDecl(source=nodes.JoinSource(parts=parts)):
                sides = ((part.alias or part.name, part.span) for part in parts)
                yield from _twice("source", sides)
            case nodes.StreamDecl() | nodes.PatternDecl():
                yield from _twice("alias", _aliases(tree))


def duplicate_arguments(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report arguments and branches of a call that have the same name (E008)."""
    calls: list[nodes.Operation | nodes.EmitStmt | nodes.TimerSource] = [
        *symbols.all(nodes.Operation),
        *symbols.all(nodes.EmitStmt),
        *symbols.all(nodes.TimerSource),
    ]
    for node in calls:
        labels = ((arg.name, arg.span) for arg in node.args if arg.name is not None)
        yield from _twice("argument", labels)
    for function in symbols.all(nodes.Lambda):
        params = ((name, function.span) for name in function.params)
        yield from _twice("parameter", params)
    for op in symbols.all(nodes.Operation):
        branches = ((branch.name, branch.span) for branch in op.branches)
        yield from _twice("branch", branches)


def _places(
    items: Iterable[nodes.FnParam | nodes.Param | nodes.FieldDecl],
) -> Iterator[tuple[str, Span]]:
    return ((item.name, item.name_span) for item in items)


def _aliases(tree: list[nodes.Node]) -> Iterator[tuple[str, Span]]:
    for node in tree:
        if isinstance(node, _ALIASED) and node.alias is not None:
            yield node.alias, node.span


def _twice(what: str, names: Iterable[tuple[str, Span]]) -> Iterator[Diagnostic]:
    first: dict[str, Span] = {}
    for name, place in names:
        if name in first:
            related = (Related("first given here", first[name]),)
            message = f"{what} '{name}' is given twice"
            yield Diagnostic("E008", message, place, related=related)
        else:
            first[name] = place
