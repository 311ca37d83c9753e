"""Where events enter the pipeline by themselves: one port for each `.from`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.compiler.plan import Plan, StreamPlan
from engine.compiler.sinkports import connector_params
from engine.connectors.base import ConnectorSpec, ConstantValue, SourceSpec
from engine.runtime.times import UNITS_NS
from vpl import nodes
from vpl.catalog import TIME_UNITS

DEFAULT_TIME_UNIT: Final = "ms"
_OWN_PARAMS: Final = frozenset(("topic", "time_field", "time_unit"))


@dataclass(frozen=True, slots=True)
class TimeField:
    """The field that holds an event's timestamp, and what one of its units is."""

    name: str
    unit_ns: int


@dataclass(frozen=True, slots=True)
class SourcePort:
    """A `.from`: what to subscribe to and how to read what arrives.

    Ports whose specs are equal share one source. `event` is the name before `.from`.
    """

    stream: str
    event: str
    spec: SourceSpec
    time: TimeField | None


def source_ports(plan: Plan) -> tuple[SourcePort, ...]:
    """Return the ports of a program in the order of its streams."""
    return tuple(port for stream in plan.streams for port in _ports(stream, plan))


def _ports(stream: StreamPlan, plan: Plan) -> Iterator[SourcePort]:
    source = stream.decl.source
    event = source.name if isinstance(source, nodes.EventSource) else stream.name
    for op in stream.decl.ops:
        if isinstance(op, nodes.Follow):
            event = op.step.name
        elif op.name == "from":
            yield _port(op, event, stream, plan)


def _port(
    op: nodes.Operation, event: str, stream: StreamPlan, plan: Plan
) -> SourcePort:
    decl = next(decl for decl in plan.connectors if decl.name == op.target)
    params = connector_params(decl, op, plan.program)
    own = {name: params.pop(name) for name in _OWN_PARAMS & params.keys()}
    topic = own.get("topic")
    if topic is not None:  # kinds look for it among their parameters too
        params["topic"] = topic
    connector = ConnectorSpec(decl.name, decl.kind, params)
    spec = SourceSpec(connector, "" if topic is None else str(topic), params)
    return SourcePort(stream.name, event, spec, _time_field(own))


def _time_field(own: dict[str, ConstantValue]) -> TimeField | None:
    name = own.get("time_field")
    if not isinstance(name, str):
        return None
    unit = own.get("time_unit")
    known = isinstance(unit, str) and unit in TIME_UNITS
    return TimeField(name, UNITS_NS[str(unit) if known else DEFAULT_TIME_UNIT])
