"""What only sequences may have, and what may stand between steps: E020 to E026."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import OPERATIONS
from vpl.diagnostics import Diagnostic
from vpl.source import Span
from vpl.symbols import Symbols

_NEEDS_SEQUENCE = frozenset(("trend_aggregate", "forecast"))
_BOUNDS = frozenset(("within", "not"))


def is_sequence(stream: nodes.StreamDecl, symbols: Symbols) -> bool:
    """Tell whether a stream matches sequences.

    It has several steps, a repeated one or a pattern, or waits for absence.
    """
    source = stream.source
    if isinstance(source, nodes.SequenceSource):
        return True
    if not isinstance(source, nodes.EventSource):
        return False
    if source.every or source.name in symbols.patterns:
        return True
    return _is_stepped(stream) or any(op.name == "not" for op in _operations(stream))


def sequences(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check what only sequences may have, and what may stand between steps."""
    for stream in symbols.all(nodes.StreamDecl):
        if not is_sequence(stream, symbols):
            yield from _sequence_only(stream)
            continue
        yield from _between_steps(stream, symbols)
        if _is_single(stream, symbols):
            yield from _single_step(stream)


def _operations(stream: nodes.StreamDecl) -> list[nodes.Operation]:
    return [op for op in stream.ops if isinstance(op, nodes.Operation)]


def _is_stepped(stream: nodes.StreamDecl) -> bool:
    """Tell whether there is a `->`."""
    return any(isinstance(op, nodes.Follow) for op in stream.ops)


def _is_single(stream: nodes.StreamDecl, symbols: Symbols) -> bool:
    """Tell whether the one step of a stream takes one event: no match is under way."""
    if _is_stepped(stream):
        return False
    match stream.source:
        case nodes.SequenceSource(steps=steps):
            return len(steps) == 1
        case nodes.EventSource(name=name) if name in symbols.patterns:
            return _is_one_event(symbols.patterns[name].root)
        case nodes.EventSource(every=every):
            return not every
    return False


def _is_one_event(root: nodes.PatternExpr) -> bool:
    if isinstance(root, nodes.PatternOr):
        return all(map(_is_one_event, root.operands))
    return isinstance(root, nodes.PatternEvent) and root.repeat == ""


def _sequence_only(stream: nodes.StreamDecl) -> Iterator[Diagnostic]:
    """Report what streams without steps, merges, joins and timers may not have."""
    is_event = isinstance(stream.source, nodes.EventSource)
    for op in stream.ops:
        if isinstance(op, nodes.Follow) or op.name == "not":
            if not is_event:
                message = "a sequence cannot start with merge, join or timer"
                advice = "make that a stream of its own and name it here"
                place = op.span if isinstance(op, nodes.Follow) else op.name_span
                yield Diagnostic("E022", message, place, advice)
                return
        elif op.name == "within":
            message = "'.within' needs a sequence step before it"
            yield Diagnostic("E020", message, op.name_span)
        elif op.name in _NEEDS_SEQUENCE:
            message = f"'.{op.name}' needs a sequence"
            yield Diagnostic("E026", message, op.name_span)


def _between_steps(stream: nodes.StreamDecl, symbols: Symbols) -> Iterator[Diagnostic]:
    """Report operations that may not stand before the last step (E025, E020)."""
    last = max(
        (at for at, op in enumerate(stream.ops) if isinstance(op, nodes.Follow)),
        default=-1,
    )
    source = stream.source
    stepped, lasts = False, False
    if isinstance(source, nodes.SequenceSource):
        stepped = len(source.steps) > 1
        first = source.steps[0].within
        if first is not None:
            yield _bounds_nothing(first.span)
    elif isinstance(source, nodes.EventSource):
        lasts = source.every
    for op in stream.ops[: last + 1]:
        if isinstance(op, nodes.Follow):
            stepped = True
            continue
        spec = OPERATIONS.get(op.name)
        if spec is None:
            continue
        if op.name == "within":
            if not stepped and not lasts:
                yield _bounds_nothing(op.name_span)
        elif not (spec.between_steps if stepped else spec.first_step):
            message = f"'.{op.name}' may not stand between the steps of a sequence"
            advice = "put it after the last step"
            yield Diagnostic("E025", message, op.name_span, advice)


def _bounds_nothing(place: Span) -> Diagnostic:
    message = "'.within' before the second step bounds nothing"
    return Diagnostic("E020", message, place)


def _single_step(stream: nodes.StreamDecl) -> Iterator[Diagnostic]:
    """Report what does nothing where one event is the whole match (E020, E021).

    Only `.not(..).within(..)` at the end waits. Other bounds have nothing to bound, and
    other negations nothing to end.
    """
    bounds = [op for op in _operations(stream) if op.name in _BOUNDS]
    negations = [op for op in bounds if op.name == "not"]
    waits = [op.name for op in bounds[-2:]] == ["not", "within"]
    if negations and not waits:
        yield _no_absence(bounds, negations[-1])
    else:
        for op in bounds[:-2] if waits else bounds:
            if op.name == "within":
                yield _bounds_nothing(op.name_span)


def _no_absence(bounds: list[nodes.Operation], negation: nodes.Operation) -> Diagnostic:
    message = "absence needs '.within(..)' after '.not(..)'"
    advice = None
    if any(op.name == "within" for op in bounds):
        message = "'.not(..)' after '.within(..)' ends nothing: no match is under way"
        advice = "for absence write '.not(..).within(..)', in this order and last"
    return Diagnostic("E021", message, negation.name_span, advice)
