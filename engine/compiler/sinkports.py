"""Where streams leave the pipeline: one port for each `.to`."""

from dataclasses import dataclass, replace
from typing import Any, Final

from engine.compiler import constants
from engine.compiler.namespace import Namespace, sound_text
from engine.compiler.plan import Plan, StreamPlan
from engine.connectors.base import ConnectorSpec, ConstantValue
from engine.errors import LoadError
from engine.runtime.values import Duration, Timestamp
from vpl import nodes, walk
from vpl.catalog import MAX_BATCH
from vpl.nodes import Expr, Program


@dataclass(frozen=True, slots=True)
class SinkPort:
    """A `.to`: the variable that collects events, and the sink they go to.

    Ports whose specs are equal share one sink. With a `batch` events are sent in arrays
    of so many.
    """

    generated: str
    stream: int
    spec: ConnectorSpec
    default_topic: str
    pending: list[tuple[str, Any, Any]]
    batch: int | None = None


_OWN: Final = frozenset(("topic", "batch"))
"""Parameters of a `.to` that are no business of the sink."""


def port_of(
    op: nodes.Operation, stream: StreamPlan, plan: Plan, names: Namespace
) -> SinkPort:
    """Make the port of one `.to`; its parameters override the connector's."""
    decl = next(decl for decl in plan.connectors if decl.name == op.target)
    use = replace(op, args=tuple(arg for arg in op.args if arg.name not in _OWN))
    params = connector_params(decl, use, plan.program)
    if decl.kind == "kafka" and params.get("key") is None:
        params["key"] = partition_field(stream)
    topic = params.get("topic") or params.get("subject")
    default = topic if isinstance(topic, str) else f"{stream.name}-output"
    pending: list[tuple[str, Any, Any]] = []
    generated = names.bind("P", pending)
    spec = ConnectorSpec(decl.name, decl.kind, params)
    batch = _batch_size(op, plan.program)
    return SinkPort(generated, stream.index, spec, sound_text(default), pending, batch)


def _batch_size(op: nodes.Operation, program: Program) -> int | None:
    """Return how many events a message may hold, None for one that is no array."""
    for arg in op.args:
        if arg.name == "batch":
            size = constants.whole_number(program, arg.value, "'batch'", 1)
            if size > MAX_BATCH:
                wanted = f"a whole number from 1 to {MAX_BATCH}"
                raise LoadError(f"line {arg.span.line}: 'batch' wants {wanted}")
            return size
    return None


def partition_field(stream: StreamPlan) -> str | None:
    """Return the field that a stream is partitioned by, if it is a plain one."""
    declared = stream.declared("partition_by")
    keys = () if declared is None else declared.args
    match [key.value for key in keys]:
        case [nodes.Name(id=name)]:
            return name
    return None


def connector_params(
    decl: nodes.ConnectorDecl, op: nodes.Operation, program: Program
) -> dict[str, ConstantValue]:
    """Return the parameters of a use: the declaration's, overridden by its own."""
    declared = {param.name: param.value for param in decl.params}
    own = {arg.name: arg.value for arg in op.args if arg.name is not None}
    given = declared | own
    return {name: constant_value(value, program) for name, value in given.items()}


def constant_value(
    value: Expr, program: Program, within: frozenset[str] = frozenset()
) -> ConstantValue:
    """Return a connector parameter: a constant expression or a bare word.

    Arrays are joined with commas; a map becomes a list of names with their values.
    What is no constant is null. `within` are the globals whose values these are; raises
    `LoadError` if they need themselves.
    """
    match value:
        case nodes.Literal():
            return value.value
        case nodes.ArrayLiteral():
            items = [constant_value(item, program, within) for item in value.items]
            return ",".join(str(item) for item in items)
        case nodes.MapLiteral():
            return [
                [name, constant_value(item, program, within)]
                for name, item in value.entries
            ]
        case nodes.Name():
            return _named(value, program, within)
    if _is_constant(value, program):
        return _plain(constants.constant_value(program, value))
    return None


def _named(name: nodes.Name, program: Program, within: frozenset[str]) -> ConstantValue:
    if name.id in within:
        raise LoadError(f"line {name.span.line}: '{name.id}' is given by itself")
    for decl in program.body:
        if isinstance(decl, nodes.VarDecl) and decl.name == name.id:
            return constant_value(decl.value, program, within | {name.id})
    return name.id


def _is_constant(value: Expr, program: Program) -> bool:
    """Tell whether an expression is made of literals, operators and constants."""
    fixed = {
        decl.name
        for decl in program.body
        if isinstance(decl, nodes.VarDecl) and decl.keyword != "var"
    }
    parts = list(walk(value))
    is_plain = not any(isinstance(p, nodes.Call | nodes.Lambda) for p in parts)
    return is_plain and all(p.id in fixed for p in parts if isinstance(p, nodes.Name))


def _plain(value: Any) -> ConstantValue:
    """Return a value of the language as connectors take it."""
    if isinstance(value, Duration | Timestamp):
        return value.ns
    if isinstance(value, list):
        return ",".join(str(_plain(item)) for item in value)
    return value if isinstance(value, str | int | float) else None
