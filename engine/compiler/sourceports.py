"""Where events enter the pipeline by themselves: one port for each `.from`."""

from dataclasses import dataclass
from typing import Final

from engine.compiler.plan import Plan, StreamPlan
from engine.compiler.sinkports import connector_params
from engine.connectors.base import ConnectorSpec, ConstantValue, SourceSpec
from engine.runtime.times import UNITS_NS
from vpl import nodes

DEFAULT_TIME_UNIT: Final = "ms"
TIME_UNITS: Final = frozenset(("s", "ms", "us", "ns"))
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
    return tuple(
        _port(op, stream, plan)
        for stream in plan.streams
        for op in stream.decl.ops
        if isinstance(op, nodes.Operation) and op.name == "from"
    )


def _port(op: nodes.Operation, stream: StreamPlan, plan: Plan) -> SourcePort:
    decl = next(decl for decl in plan.connectors if decl.name == op.target)
    params = connector_params(decl, op, plan.program)
    own = {name: params.pop(name) for name in _OWN_PARAMS & params.keys()}
    topic = own.get("topic")
    if topic is not None:  # kinds look for it among their parameters too
        params["topic"] = topic
    connector = ConnectorSpec(decl.name, decl.kind, params)
    spec = SourceSpec(connector, "" if topic is None else str(topic), params)
    source = stream.decl.source
    event = source.name if isinstance(source, nodes.EventSource) else stream.name
    return SourcePort(stream.name, event, spec, _time_field(own))


def _time_field(own: dict[str, ConstantValue]) -> TimeField | None:
    name = own.get("time_field")
    if not isinstance(name, str):
        return None
    unit = own.get("time_unit")
    known = isinstance(unit, str) and unit in TIME_UNITS
    return TimeField(name, UNITS_NS[str(unit) if known else DEFAULT_TIME_UNIT])
