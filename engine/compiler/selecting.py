"""`.distinct`, `.limit`, `.first`, `.order_by` and `.collect` (vpl.md 8.3)."""

from dataclasses import replace
from typing import Any, Final

from engine.compiler.aggregates import AggregateReader
from engine.compiler.code import Code
from engine.compiler.constants import duration_ns, whole_number
from engine.compiler.current import Batch, Current, PartitionKey
from engine.compiler.forks import as_batch
from engine.compiler.kinds import ARRAY, INT, NULL
from engine.compiler.operations import where
from engine.compiler.partitions import key_at, key_of, sound_events, table_of
from engine.compiler.streams import BatchHandler, Handler, StreamCompiler
from engine.runtime.collecting import events_of, latest_of
from engine.runtime.distinct import Distinct
from engine.runtime.ordering import sort_batch
from engine.runtime.partitions import Slot
from engine.runtime.windows import Collections
from vpl import nodes

RUNTIME: Final[dict[str, Any]] = {
    "sort_batch": sort_batch,
    "events_of": events_of,
    "latest_of": latest_of,
}
_MAKE_ONE: Final = frozenset(("aggregate", "collect"))
_COUNT: Final = (Slot("n"),)


def has_window(stream: StreamCompiler, at: int) -> bool:
    """Tell whether what flows at place `at` comes from a window of the stream."""
    if stream.stream.kind == "join":
        return False
    return any(op.name == "window" for op in stream.ops[:at])


# --- distinct ---------------------------------------------------------------------------


def distinct(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Keep the first event of each key, per partition."""
    ttl = next((arg.value for arg in op.args if arg.name == "ttl"), None)
    program = stream.unit.plan.program
    length = None if ttl is None else duration_ns(program, ttl, "'ttl'")
    stream.unit.clock(stream.stream)
    clock = stream.unit.clocks[stream.stream.index]
    bound = "at most 100 000 keys"
    name = stream.state(
        f"{at} distinct", "distinct keys", bound, lambda: Distinct(clock, length)
    )
    within, own, current = _distinct_key(stream, op, current)
    text, shown = own.text, own.shown
    if within.exprs:
        text = f"('array', {within.text}, {text})"
        shown = f"[{within.shown}, {shown}]"
    test = f"{name}.is_new({text}, {shown}, {current.stamp})"
    with sound_events(stream, at), stream.lines.block(f"if {test}:"):
        stream.follow(at, current)


def _distinct_key(
    stream: StreamCompiler, op: nodes.Operation, current: Current
) -> tuple[PartitionKey, PartitionKey, Current]:
    """Return the partition of an event, and its key within: all fields if none is given."""
    within = key_at(stream, current)
    exprs = [arg.value for arg in op.args if arg.name is None]
    if exprs:
        own, current = key_of(stream, exprs, current)
        return within, own, current
    whole, held = current.reader.whole(), stream.names.fresh("v")
    found = stream.names.fresh("d")
    stream.lines.add(f"{held} = {whole.text}", f"{found} = as_key({held})")
    return within, PartitionKey(found, held, ()), current


def distinct_batch(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Keep the first event of each key of the content of a window.

    What a window gives after an aggregate is no content of a window any more.
    """
    is_made = any(before.name in _MAKE_ONE for before in stream.ops[:at])
    if is_made or not batch.is_window:
        stream.batch(at + 1, stream.one_by_one(at, op, batch))
        return
    names, lines = stream.names, stream.lines
    seen, place = names.fresh("g"), names.fresh("v")
    made = names.fresh("b")
    lines.add(f"{seen} = {{}}")
    lines.add(f"{place} = -1")
    with stream.each(batch) as current:
        _, own, current = _distinct_key(stream, op, current)
        lines.add(f"{place} += 1", f"{seen}.setdefault({own.text}, {place})")
    lines.add(f"{made} = [{batch.variable}[at] for at in {seen}.values()]")
    stream.batch(at + 1, replace(batch, variable=made))


# --- limit and first --------------------------------------------------------------------


def _bound(stream: StreamCompiler, op: nodes.Operation) -> int:
    if op.name == "first":
        return 1
    return whole_number(stream.unit.plan.program, op.args[0].value, "'limit'", 0)


def limit(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Pass the first events over the stream's life, per partition.

    After a window a single event is a batch: it passes unless none does.
    """
    most = _bound(stream, op)
    if has_window(stream, at):
        with stream.lines.block(f"if {most} > 0:"):
            stream.follow(at, current)
        return
    place = f"{at} limit"
    bound = "one count per key, at most 1 000 000 keys"
    name = stream.state(place, "limit", bound, lambda: Collections(_COUNT))
    state = stream.unit.states[stream.stream.index, stream.prefix + place].state
    table = table_of(stream, name, state, {"n": "0"})
    with sound_events(stream, at):
        entry = table.find(key_at(stream, current), f"{name}.add({{0}})")
        with stream.lines.block(f"if {entry}.n < {most}:"):
            stream.lines.add(f"{entry}.n += 1")
            stream.follow(at, current)


def limit_batch(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Pass the first events of the batch."""
    if not batch.is_window:
        stream.batch(at + 1, stream.one_by_one(at, op, batch))
        return
    made = stream.names.fresh("b")
    stream.lines.add(f"{made} = {batch.variable}[:{_bound(stream, op)}]")
    stream.batch(at + 1, replace(batch, variable=made))


# --- order_by ---------------------------------------------------------------------------


def keep_order(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Pass a single event on: it is in order (W093)."""
    stream.follow(at, current)


def order_batch(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Sort the batch."""
    names, lines = stream.names, stream.lines
    columns = [names.fresh("g") for _ in op.sort_keys]
    lines.add(*(f"{column} = []" for column in columns))
    with stream.each(batch) as current:
        expressions = stream.expressions(current)
        codes = [expressions.code(key.value) for key in op.sort_keys]
        stream.mark_frame(current, *codes)
        for column, code in zip(columns, codes, strict=True):
            lines.add(f"{column}.append({code.text})")
    descending = [key.descending for key in op.sort_keys]
    made = names.fresh("b")
    listed = "".join(f"{column}, " for column in columns)
    args = f"{batch.variable}, ({listed}), {descending!r}, {stream.frame}"
    lines.add(f"{made} = sort_batch({args})")
    stream.batch(at + 1, replace(batch, variable=made))


# --- collect ----------------------------------------------------------------------------


def collect_event(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Make one event of a batch of one."""
    collect(stream, at, op, as_batch(stream, current))


def collect(stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch) -> None:
    """Make one event of the batch: its events as maps, and how many they are."""
    names, lines = stream.names, stream.lines
    names.fields.whole = True
    events, count, stamp = names.fresh("v"), names.fresh("v"), names.fresh("v")
    with lines.block(f"if {batch.variable}:"):
        lines.add(f"{events} = events_of({batch.variable}, {stream.frame})")
        lines.add(f"{count} = len({batch.variable})")
        lines.add(f"{stamp} = latest_of({batch.variable})")
        fields = {
            "events": Code(events, ARRAY | NULL, 0, frozenset({events}), is_atom=True),
            "count": Code(count, INT, 0, frozenset({count}), is_atom=True),
        }
        reader = AggregateReader(
            names, (), (), stamp, fields, own=stream.stream.aliases
        )
        stream.follow(at, Current(stream.own_type(), reader, None, stamp))


HANDLERS: Final[dict[str, Handler]] = {
    "having": where,
    "distinct": distinct,
    "limit": limit,
    "first": limit,
    "order_by": keep_order,
    "collect": collect_event,
}
BATCHES: Final[dict[str, BatchHandler]] = {
    "distinct": distinct_batch,
    "limit": limit_batch,
    "first": limit_batch,
    "order_by": order_batch,
    "collect": collect,
}
