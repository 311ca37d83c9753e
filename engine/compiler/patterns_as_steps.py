"""Named patterns as events: each gets a stream of its own (vpl.md 10.1).

`P -> C`, `merge(P, C)`, `.not(P)` and `SEQ(P, C)` look at the matches of P. They are the
final events of a stream that is declared in front of the first stream that does so, under
the name of the pattern.
"""

from collections.abc import Iterator
from dataclasses import replace

from vpl import Program, nodes
from vpl.analysis import Names, event_names


def with_pattern_streams(program: Program) -> Program:
    """Return the program with a stream for each pattern whose matches are events."""
    known = Names(program)
    made: set[str] = set()
    body: list[nodes.Decl] = []
    for decl in program.body:
        if isinstance(decl, nodes.StreamDecl):
            for name in _matches(decl, known):
                if name not in made:
                    made.add(name)
                    body.append(_stream(name, decl))
        body.append(decl)
    return replace(program, body=tuple(body)) if made else program


def _matches(decl: nodes.StreamDecl, known: Names) -> list[str]:
    """Return the patterns whose matches a stream needs, what they need before them."""
    waiting = [(name, False) for name in _named_by(decl, known)][::-1]
    begun: set[str] = set()
    found: list[str] = []
    while waiting:
        name, is_ready = waiting.pop()
        if is_ready:
            found.append(name)
        elif name not in begun:
            begun.add(name)
            waiting.append((name, True))
            waiting += [(other, False) for other in _events_of(name, known)]
    return found


def _named_by(decl: nodes.StreamDecl, known: Names) -> Iterator[str]:
    yield from filter(known.is_pattern, event_names(decl))
    source = decl.source
    if isinstance(source, nodes.EventSource) and source.name in known.patterns:
        yield from _events_of(source.name, known)


def _events_of(name: str, known: Names) -> Iterator[str]:
    """Yield the patterns whose matches a pattern looks for."""
    for taken in known.events[name]:
        if taken != name and known.is_pattern(taken):
            yield taken


def _stream(name: str, user: nodes.StreamDecl) -> nodes.StreamDecl:
    """Return the stream of a pattern; it runs where the stream does that follows it."""
    source = nodes.EventSource(name, span=user.source.span)
    context = [
        op
        for op in user.ops
        if isinstance(op, nodes.Operation) and op.name == "context"
    ]
    return nodes.StreamDecl(name, None, source, tuple(context), span=user.span)
