"""`.enrich` -> source lines (vpl.md section 20)."""

from typing import Final

from engine.compiler.adding import follow_with
from engine.compiler.constants import constant_value, duration_ns
from engine.compiler.current import Current
from engine.compiler.sinkports import connector_params
from engine.compiler.streams import Handler, StreamCompiler
from engine.connectors.base import ConnectorSpec
from engine.runtime.enriching import Enriching, Enrichment
from engine.runtime.values import NS_PER_S
from vpl import Program, nodes

CACHE_TTL_NS: Final = 300 * NS_PER_S
TIMEOUT_NS: Final = 5 * NS_PER_S
_OWN: Final = frozenset(("key", "fields", "cache_ttl", "timeout", "fallback"))
STATUS: Final = "enrich_status"
LATENCY: Final = "enrich_latency_ms"


def enrich(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Add the fields of a record found by key, and how that went."""
    given = {arg.name: arg.value for arg in op.args}
    wanted = _wanted(stream.unit.plan.program, given)
    state = stream.state(
        f"enrich{at}",
        "enrichment cache",
        "10000 records, least recently used dropped",
        lambda: Enrichment(_spec(stream, op), wanted),
    )
    key = stream.expressions(current).sent(given["key"])
    current = stream.mark_frame(current, key)
    names = stream.names
    added, status, latency = (names.fresh(letter) for letter in "asl")
    stream.lines.add(f"{added}, {status}, {latency} = {state}.find({key.text})")
    texts = {name: _field(stream, name, added, current) for name in wanted.fields}
    texts |= {STATUS: status, LATENCY: latency}
    follow_with(stream, at, current, texts)


def _field(stream: StreamCompiler, name: str, added: str, current: Current) -> str:
    """Return the text of a listed field; if nothing was found it stays as it was."""
    own = current.reader.field(name).text
    return f"({added}[{stream.names.text(name)}] if {added} else {own})"


def _spec(stream: StreamCompiler, op: nodes.Operation) -> ConnectorSpec:
    plan = stream.unit.plan
    decl = next(decl for decl in plan.connectors if decl.name == op.target)
    own = tuple(arg for arg in op.args if arg.name not in _OWN)
    use = nodes.Operation(op.name, own, op.target, span=op.span)
    params = connector_params(decl, use, plan.program)
    return ConnectorSpec(decl.name, decl.kind, params)


def _wanted(program: Program, given: dict[str | None, nodes.Expr]) -> Enriching:
    fields = given.get("fields")
    listed = fields.items if isinstance(fields, nodes.ArrayLiteral) else ()
    names = tuple(item.id for item in listed if isinstance(item, nodes.Name))

    def duration(name: str, default: int) -> int:
        node = given.get(name)
        return default if node is None else duration_ns(program, node, f"{name}:")

    return Enriching(
        names,
        duration("cache_ttl", CACHE_TTL_NS),
        duration("timeout", TIMEOUT_NS),
        "fallback" in given,
        constant_value(program, given["fallback"]) if "fallback" in given else None,
    )


HANDLERS: Final[dict[str, Handler]] = {"enrich": enrich}
