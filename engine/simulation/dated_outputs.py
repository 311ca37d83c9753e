"""Outputs with their timestamps, which replies do not have (vpl.md 18.2).

Sinks get them. So a program whose outputs are to be dated is given a sink of our own
behind every place that makes outputs, and each output takes the time of the equal event
that came there.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from engine.compiler.codegen import compile_plan
from engine.connectors.base import ConnectorSpec
from engine.connectors.fake import RecordingSink
from engine.errors import InvalidProgramError
from engine.limits import Limits
from engine.outside import Outside
from engine.pipeline import Pipeline
from engine.runtime.clock import Clock
from vpl import Imports, Program, check, nodes

_CONNECTOR: Final = "\0dated"
"""The name of the sink; programs cannot write it."""
_SEND: Final = nodes.Operation("to", target=_CONNECTOR)


class DatedOutputs(RecordingSink):
    """The sink; it dates outputs and forgets what it got for them."""

    def __init__(self) -> None:
        super().__init__(ConnectorSpec(_CONNECTOR, "console"))
        self._taking = threading.Lock()

    def dated(self, outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return outputs of one event with their timestamps, in the same order."""
        with self._taking:
            sent = [event.json() for event in self.sent]
            self.sent.clear()
        return [_stamped(output, sent) for output in outputs]


def _stamped(output: dict[str, Any], sent: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an output with the time of the first equal event, which is used up."""
    if "timestamp" in output:
        return output  # a field of that name takes the place of the time
    plain = msgspec.json.decode(msgspec.json.encode(output))
    for at, event in enumerate(sent):
        if {name: v for name, v in event.items() if name != "timestamp"} == plain:
            head = {"event_type": output["event_type"]}
            return {**head, "timestamp": sent.pop(at)["timestamp"], **output}
    return output


def compile_dated(
    source: str, *, name: str, clock: Clock, limits: Limits, imports: Imports
) -> tuple[Pipeline, DatedOutputs]:
    """Return a pipeline and what dates its outputs; other sinks keep to themselves.

    Raises InvalidProgramError and LoadError.
    """
    checked = check(source, imports=imports)
    if not checked.valid:
        raise InvalidProgramError(checked.diagnostics)
    dates = DatedOutputs()

    def sink_of(spec: ConnectorSpec) -> RecordingSink:
        return dates if spec.name == _CONNECTOR else RecordingSink(spec)

    loaded = compile_plan(with_sinks(checked.program)), checked.diagnostics
    return Pipeline(name, loaded, limits, clock, Outside(sinks=sink_of)), dates


def with_sinks(program: Program) -> Program:
    """Return the program with the sink behind every place that makes outputs."""
    body = [
        replace(decl, ops=_sent(decl.ops))
        if isinstance(decl, nodes.StreamDecl)
        else decl
        for decl in program.body
    ]
    return Program((nodes.ConnectorDecl(_CONNECTOR, "console", ()), *body))


def _sent(ops: Sequence[nodes.StreamOp]) -> tuple[nodes.StreamOp, ...]:
    emits = _names(ops, "emit")
    found = list(_behind_emits(ops))
    if not emits and _names(ops, "process"):
        found.append(_SEND)
    return tuple(found)


def _behind_emits(ops: Iterable[nodes.StreamOp]) -> Iterable[nodes.StreamOp]:
    for op in ops:
        if isinstance(op, nodes.Operation) and op.branches:
            branches = tuple(
                replace(branch, ops=tuple(_behind_emits(branch.ops)))
                for branch in op.branches
            )
            yield replace(op, branches=branches)
            continue
        yield op
        if isinstance(op, nodes.Operation) and op.name == "emit":
            yield _SEND


def _names(ops: Iterable[nodes.StreamOp], name: str) -> bool:
    """Tell whether an operation of a name stands among others or in their branches."""
    return any(
        op.name == name or any(_names(branch.ops, name) for branch in op.branches)
        for op in ops
        if isinstance(op, nodes.Operation)
    )
