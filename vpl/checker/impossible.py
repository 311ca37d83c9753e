"""Sequences that can never match: W021."""

from collections.abc import Iterator

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.nodes import Expr, PatternExpr
from vpl.symbols import Symbols

_Step = tuple[str, Expr | None]
"""The event type a step takes, and its filter."""


def never_matching(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of negations that kill every run before its awaited step can take it."""
    for stream in symbols.streams.values():
        yield from _stream(stream)
    for pattern in symbols.patterns.values():
        if isinstance(pattern.root, nodes.PatternSeq):
            yield from _pattern(pattern.root)


def _stream(stream: nodes.StreamDecl) -> Iterator[Diagnostic]:
    awaited = list(_awaited(stream))
    ops = stream.ops
    for at, op in enumerate(ops):
        if not isinstance(op, nodes.Operation) or op.name != "not":
            continue
        waits = any(
            isinstance(later, nodes.Operation) and later.name == "within"
            for later in ops[at + 1 :]
        )
        # An absence looks at what comes after the last step only.
        if not waits and _kills((op.target or "", op.where), awaited):
            yield _finding(op.target or "", op)


def _awaited(stream: nodes.StreamDecl) -> Iterator[_Step]:
    """Yield the steps that a run waits for: all but the first."""
    if isinstance(stream.source, nodes.SequenceSource):
        for step in stream.source.steps[1:]:
            yield step.name, step.where
    for op in stream.ops:
        if isinstance(op, nodes.Follow):
            yield op.step.name, op.step.where


def _pattern(root: nodes.PatternSeq) -> Iterator[Diagnostic]:
    for item, following in zip(root.items, root.items[1:], strict=False):
        match item:
            case nodes.PatternNot(operand=nodes.PatternEvent() as event):
                negation = (event.event_type, event.where)
                if _kills(negation, _required(following)):
                    yield _finding(event.event_type, item)


def _required(item: PatternExpr) -> list[_Step]:
    if isinstance(item, nodes.PatternEvent) and item.repeat in {"", "+"}:
        return [(item.event_type, item.where)]
    return []


def _kills(negation: _Step, awaited: list[_Step]) -> bool:
    """Tell whether a negation applies to all that some awaited step takes."""
    name, condition = negation
    is_any = condition is None or _is_true(condition)
    return any(
        name == step and (is_any or condition == where) for step, where in awaited
    )


def _is_true(condition: Expr) -> bool:
    return isinstance(condition, nodes.Literal) and condition.value is True


def _finding(name: str, place: nodes.Operation | nodes.PatternNot) -> Diagnostic:
    message = f"can never match: each '{name}' that is awaited ends the run instead"
    span = place.name_span if isinstance(place, nodes.Operation) else place.span
    return Diagnostic("W021", message, span, "give the negation a 'where'")
