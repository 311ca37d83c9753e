"""The compiled plan as data (vpl.md 18.6)."""

from typing import Any

import vpl
from engine.compiler.plan import Plan, StreamPlan
from vpl import Program, nodes


def explain(plan: Plan) -> dict[str, Any]:
    """Return what each stream takes, does, keeps and feeds."""
    return {"streams": [_stream(stream, plan) for stream in plan.streams]}


def _stream(stream: StreamPlan, plan: Plan) -> dict[str, Any]:
    fed = plan.consumers(stream.gives | {stream.name})
    return {
        "name": stream.name,
        "type": stream.name,
        "sources": [part.name for part in stream.inputs],
        "consumers": [consumer.name for consumer in fed],
        "partition_by": [],
        "ops": [{"op": op.name, "detail": _detail(op)} for op in stream.ops],
        "state": [],
        "context": stream.context or None,
        "sinks": [op.target for op in stream.ops if op.name == "to"],
        "fingerprint": vpl.fingerprint(Program((stream.decl,))),
    }


def _detail(op: nodes.Operation) -> str:
    names = [arg.name for arg in op.args if arg.name is not None]
    head = [text for text in (op.as_type, op.target) if text]
    return ", ".join([*head, *names])
