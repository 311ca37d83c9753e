"""What this build can run; anything else is E090, never ignored (vpl.md 21)."""

from typing import Final

from vpl import Diagnostic, Program, Span, nodes

OPERATIONS: Final = frozenset((
    "where", "filter", "select", "emit", "process", "print", "to", "context",
))  # fmt: skip
SOURCES: Final = (nodes.EventSource, nodes.MergeSource)


def unsupported(program: Program) -> tuple[Diagnostic, ...]:
    """Return a finding for everything in a valid program that cannot be run yet."""
    found: list[Diagnostic] = []
    patterns = {d.name for d in program.body if isinstance(d, nodes.PatternDecl)}
    for decl in program.body:
        if isinstance(decl, nodes.StreamDecl):
            found.extend(_in_stream(decl, patterns))
        elif isinstance(decl, nodes.ImportDecl):
            found.append(_refusal("import", decl.span))
    return tuple(found)


def _in_stream(decl: nodes.StreamDecl, patterns: set[str]) -> list[Diagnostic]:
    found = []
    source = decl.source
    if not isinstance(source, SOURCES):
        name = source.__class__.__name__.removesuffix("Source").lower()
        found.append(_refusal(name, source.span))
    elif isinstance(source, nodes.EventSource):
        if source.every or source.name in patterns:
            found.append(_refusal("pattern", source.span))
    elif any(part.on for part in source.parts):
        found.append(_refusal("on", source.span))
    for op in decl.ops:
        if isinstance(op, nodes.Follow):
            found.append(_refusal("->", op.span))
        elif op.name not in OPERATIONS:
            found.append(_refusal(op.name, op.span))
    return found


def _refusal(what: str, span: Span) -> Diagnostic:
    return Diagnostic("E090", f"'{what}' is not available in this build", span)
