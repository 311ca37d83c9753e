"""Named patterns as steps of `->`: each gets a stream of its own (vpl.md 10.1).

`P -> C` follows the matches of P. They are the final events of a stream that is declared
in front of the first stream that does so, under the name of the pattern.
"""

from collections.abc import Iterator
from dataclasses import replace

from vpl import Program, nodes


def with_pattern_streams(program: Program) -> Program:
    """Return the program with a stream for each pattern that is a step."""
    patterns = {
        decl.name for decl in program.body if isinstance(decl, nodes.PatternDecl)
    }
    taken = {decl.name for decl in program.body if isinstance(decl, nodes.StreamDecl)}
    body: list[nodes.Decl] = []
    for decl in program.body:
        if isinstance(decl, nodes.StreamDecl):
            for name in _steps(decl):
                if name in patterns - taken:
                    taken.add(name)
                    body.append(_stream(name, decl))
        body.append(decl)
    return (
        program
        if len(body) == len(program.body)
        else replace(program, body=tuple(body))
    )


def _steps(decl: nodes.StreamDecl) -> Iterator[str]:
    """Yield the names of the steps of a sequence of several steps."""
    follows = [op.step.name for op in decl.ops if isinstance(op, nodes.Follow)]
    match decl.source:
        case nodes.SequenceSource(steps=steps):
            yield from (step.name for step in steps)
        case nodes.EventSource(name=name) if follows:
            yield name
    yield from follows


def _stream(name: str, user: nodes.StreamDecl) -> nodes.StreamDecl:
    """Return the stream of a pattern; it runs where the stream does that follows it."""
    source = nodes.EventSource(name, span=user.source.span)
    context = [
        op
        for op in user.ops
        if isinstance(op, nodes.Operation) and op.name == "context"
    ]
    return nodes.StreamDecl(name, None, source, tuple(context), span=user.span)
