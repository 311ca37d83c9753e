"""What each stream takes, does, keeps and feeds (vpl.md 18.6)."""

from collections.abc import Iterator, Mapping
from typing import Any

import vpl
from engine.compiler.plan import Plan, StreamPlan
from engine.explain.expression_text import expression_text
from engine.explain.functions import functions
from engine.explain.operation_text import operation_text, source_text, step_text
from engine.explain.state import kept_state
from engine.explain.waiting import not_effects
from vpl import nodes

Patterns = Mapping[str, nodes.PatternDecl]


def explain(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON values, streams and functions in order of declaration."""
    patterns = {
        decl.name: decl
        for decl in plan.program.body
        if isinstance(decl, nodes.PatternDecl)
    }
    short_names = vpl.StreamFingerprints(plan.program)
    shapes = []
    for stream in plan.streams:
        shape = _stream(stream, plan, patterns)
        shapes.append({**shape, "fingerprint": short_names.of(stream.name)})
    return {"streams": shapes, "functions": functions(plan.symbols)}


def _stream(stream: StreamPlan, plan: Plan, patterns: Patterns) -> dict[str, Any]:
    decl = stream.decl
    pattern = _pattern(decl, patterns)
    fed = plan.consumers(stream.gives | {stream.name})
    return {
        "name": stream.name,
        "type": stream.name,
        "sources": list(dict.fromkeys(part.name for part in stream.inputs)),
        "consumers": [consumer.name for consumer in fed],
        "partition_by": list(map(expression_text, partition_keys(decl, pattern))),
        "ops": list(_ops(decl, pattern)),
        "state": kept_state(decl, pattern),
        "context": stream.context or None,
        "sinks": list(_sinks(decl)),
    }


def partition_keys(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None
) -> list[nodes.Expr]:
    """Return the keys of a stream, those of its pattern first."""
    keys = list(pattern.partition_by) if pattern else []
    for op in decl.ops:
        if isinstance(op, nodes.Operation) and op.name == "partition_by":
            keys += [arg.value for arg in op.args]
    return keys


def _pattern(decl: nodes.StreamDecl, patterns: Patterns) -> nodes.PatternDecl | None:
    source = decl.source
    return patterns.get(source.name) if isinstance(source, nodes.EventSource) else None


def _ops(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None
) -> Iterator[dict[str, str]]:
    """Yield the source, if it does more than take events, and what follows it."""
    first = source_text(decl.source, pattern)
    if first is not None:
        yield {"op": first[0], "detail": first[1]}
    effects = not_effects(decl)
    for at, op in enumerate(decl.ops):
        if isinstance(op, nodes.Follow):
            yield {"op": "->", "detail": step_text(op.step)}
            continue
        detail = operation_text(op)
        if at in effects:
            detail = f"{detail}: {effects[at]}"
        yield {"op": op.name, "detail": detail}


def _sinks(decl: nodes.StreamDecl) -> Iterator[str]:
    seen = set()
    for node in vpl.walk(decl):
        if isinstance(node, nodes.Operation) and node.name == "to" and node.target:
            if node.target not in seen:
                yield node.target
            seen.add(node.target)
