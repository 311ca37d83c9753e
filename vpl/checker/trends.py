"""`.trend_aggregate` and `.forecast`: where they stand and what they read (E026, E072)."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import AGGREGATES
from vpl.checker.sequences import is_sequence
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import walk

_OF_MATCHES = frozenset(("trend_aggregate", "forecast"))
_ENDS_MATCHES = frozenset(("window", "aggregate", "collect", "process", "forecast"))
Steps = dict[str, bool]
"""Names that read the events of a step -> whether the step takes several."""


def trends(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check operations on the matches of sequences."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.StreamDecl):
            yield from _branches(decl)
            if is_sequence(decl, symbols):
                yield from _stream(decl, _steps(decl, symbols))


def _branches(decl: nodes.StreamDecl) -> Iterator[Diagnostic]:
    """Report operations on matches in the branches of forks."""
    outer = {id(op) for op in decl.ops}
    for op in walk(*decl.ops):
        if not isinstance(op, nodes.Operation) or id(op) in outer:
            continue
        if op.name in _OF_MATCHES:
            yield _misplaced(op, "may not stand in a branch")


def _stream(decl: nodes.StreamDecl, steps: Steps) -> Iterator[Diagnostic]:
    ended = ""
    for op in decl.ops:
        if not isinstance(op, nodes.Operation):
            continue
        if op.name in _OF_MATCHES and ended:
            yield _misplaced(op, f"needs a match, and '.{ended}' makes other events")
        elif op.name == "trend_aggregate":
            if not any(steps.values()):
                yield _misplaced(op, "needs a repeated step: 'all B', or 'B+'")
            yield from _calls(op, steps)
        if op.name in _ENDS_MATCHES:
            ended = ended or op.name


def _misplaced(op: nodes.Operation, reason: str) -> Diagnostic:
    advice = "put it right after the sequence"
    return Diagnostic("E026", f"'.{op.name}' {reason}", op.name_span, advice)


def _steps(decl: nodes.StreamDecl, symbols: Symbols) -> Steps:
    """Return the names of the steps of a sequence."""
    source = decl.source
    found: Steps = {}
    if isinstance(source, nodes.SequenceSource):
        found |= {step.alias: False for step in source.steps}
    elif isinstance(source, nodes.EventSource):
        pattern = symbols.patterns.get(source.name)
        if pattern is not None:
            return _pattern_steps(pattern)
        found[source.alias or source.name] = source.every
    for op in decl.ops:
        if isinstance(op, nodes.Follow):
            found[op.step.alias or op.step.name] = op.step.every
    return found


def _pattern_steps(pattern: nodes.PatternDecl) -> Steps:
    return {
        event.alias or event.event_type: event.repeat in {"+", "*"}
        for event in walk(pattern.root)
        if isinstance(event, nodes.PatternEvent)
    }


def _calls(op: nodes.Operation, steps: Steps) -> Iterator[Diagnostic]:
    """Check what the functions over trends are asked about."""
    for node in walk(*op.args):
        match node:
            case nodes.Call(function=nodes.Name(id=name), args=(argument,)) if (
                name in AGGREGATES and AGGREGATES[name].trends
            ):
                yield from _argument(name, argument, steps)


def _argument(name: str, argument: nodes.Expr, steps: Steps) -> Iterator[Diagnostic]:
    if name == "count_events":
        if not isinstance(argument, nodes.Name) or argument.id not in steps:
            message = "'count_events' wants the alias of a step"
            yield Diagnostic("E072", message, argument.span, _known(argument, steps))
        return
    named = {part.id for part in walk(argument) if isinstance(part, nodes.Name)}
    named &= steps.keys()
    if not named:
        message = f"'{name}' wants a field of the events of a step"
        yield Diagnostic("E072", message, argument.span, _known(argument, steps))
    elif sum(steps[step] for step in named) > 1:
        message = f"'{name}' reads the events of several repeated steps"
        advice = "read one repeated step in each call"
        yield Diagnostic("E072", message, argument.span, advice)


def _known(argument: nodes.Expr, steps: Steps) -> str:
    listed = "steps: " + ", ".join(sorted(steps))
    first = next((n.id for n in walk(argument) if isinstance(n, nodes.Name)), "")
    return hint(first, sorted(steps)) or listed
