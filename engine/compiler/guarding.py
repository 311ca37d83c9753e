"""Connectors the host does not allow: E035, as far as it is known beforehand."""

from collections.abc import Iterator

from engine.compiler.sinkports import connector_params
from engine.connectors.base import ConnectorSpec
from engine.connectors.guard import Guard
from vpl import Diagnostic, Program, nodes, walk


def refused_connectors(program: Program, guard: Guard) -> tuple[Diagnostic, ...]:
    """Return a finding for each use of a connector that `guard` refuses."""
    return tuple(_findings(program, guard))


def _findings(program: Program, guard: Guard) -> Iterator[Diagnostic]:
    decls = {d.name: d for d in program.body if isinstance(d, nodes.ConnectorDecl)}
    for part in walk(*program.body):
        if not isinstance(part, nodes.Operation) or part.target not in decls:
            continue
        decl = decls[part.target]
        params = connector_params(decl, part, program)
        reason = guard.refusal(ConnectorSpec(decl.name, decl.kind, params))
        if reason is not None:
            message = f"connector '{decl.name}': {reason}"
            yield Diagnostic("E035", message, part.target_span)
