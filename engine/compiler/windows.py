"""`.window` and `.aggregate` -> source lines (vpl.md 9).

A window that is followed by `aggregate` collects what the aggregates need and keeps no
events; any other keeps its events and passes them on as a batch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from engine.compiler.collectors import (
    AggregateCollector,
    Collector,
    RowsCollector,
    kept_key,
)
from engine.compiler.current import Batch, Current, PartitionKey
from engine.compiler.partitions import (
    NO_KEY,
    Table,
    entry_maker,
    key_at,
    key_of,
    sound_events,
    table_of,
)
from engine.compiler.streams import BatchHandler, Handler, StreamCompiler
from engine.compiler.window_specs import WindowSpec, window_spec
from engine.runtime.partitions import Partitions, entry_class
from engine.runtime.windows import Collections, SessionWindows, TumblingWindows
from engine.runtime.windows_grid import GridWindows
from engine.runtime.windows_sessions import WatermarkedSessions
from engine.runtime.windows_sliding import SlidingCountWindows, SlidingWindows
from vpl import nodes

PER_KEY: Final = "one per key, at most 1 000 000 keys"


def collector_at(stream: StreamCompiler, at: int) -> Collector:
    """Return what the window at place `at` collects."""
    following = stream.ops[at + 1] if at + 1 < len(stream.ops) else None
    if following is not None and following.name == "aggregate":
        return AggregateCollector(stream, at + 1)
    return RowsCollector(stream, at)


def window(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Add the event to the window of its key."""
    spec = window_spec(stream.unit.plan.program, stream.stream, op)
    stream.names.fields.stamped = True
    _FORMS[_form(spec)](stream, at, spec, current)


def window_batch(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Add the events of a branch to its window, one after the other."""
    with stream.each(batch) as current:
        window(stream, at, op, current)


def _form(spec: WindowSpec) -> str:
    if spec.step is not None:
        return f"sliding {spec.form}"
    if spec.form != "count" and spec.lateness is not None:
        return f"watermarked {spec.form}"
    return spec.form


def _state(stream: StreamCompiler, at: int, make: Callable[[], Any]) -> tuple[str, Any]:
    """Return the variable of the window's state and the state."""
    place = f"{at} window"
    name = stream.state(place, "window", PER_KEY, make)
    slot = stream.unit.states[stream.stream.index, stream.prefix + place]
    return name, slot.state


def _clock(stream: StreamCompiler) -> Any:
    stream.unit.clock(stream.stream)
    return stream.unit.clocks[stream.stream.index]


def _close_when_due(
    stream: StreamCompiler, at: int, state: str, leave: Callable[[str], None]
) -> None:
    """Have what is due leave when the clock gets there."""
    place = f"{at} close"
    name = stream.function(place, ("q",), lambda: leave("q"))
    closing = f"for q in {state}.closing(now): {stream.call(name, 'q')}"
    stream.on_due(place, state, closing)


# --- one function per form --------------------------------------------------------------


def _tumbling(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    collector, clock = collector_at(stream, at), _clock(stream)

    def make() -> TumblingWindows:
        return TumblingWindows(
            collector.slots, clock, spec.size, is_aligned=spec.is_aligned
        )

    name, state = _state(stream, at, make)
    key, table = (
        key_at(stream, current),
        table_of(stream, name, state, collector.initial),
    )
    current = collector.prepare(current)
    opening = f"{name}.open({{0}}, {current.stamp})"
    with sound_events(stream, at), _unless_over(stream, spec, name, current):
        _add(table, collector, key, current, opening)
    _close_when_due(stream, at, name, lambda entry: collector.leave(entry, key))


@contextmanager
def _unless_over(
    stream: StreamCompiler, spec: WindowSpec, state: str, current: Current
) -> Iterator[None]:
    """Write what is inside for events whose window of the grid is not over."""
    if not spec.is_aligned:
        yield
        return
    now, stamp, lines = f"C{stream.stream.index}.now", current.stamp, stream.lines
    with lines.block(f"if {stamp} < {now} and {state}.is_over({stamp}):"):
        lines.add(f'{stream.frame}.tally("late_events")')
    with lines.block("else:"):
        yield


def _add(
    table: Table,
    collector: Collector,
    key: PartitionKey,
    current: Current,
    opening: str,
) -> str:
    """Write the lines that add a prepared event to its entry; return the entry."""
    entry = table.find(key, opening)
    collector.update(entry, current)
    return entry


def _watermarked(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    collector, clock = collector_at(stream, at), _clock(stream)
    lateness = spec.lateness or 0

    def make() -> GridWindows:
        return GridWindows(
            collector.slots, clock, spec.size, lateness, is_aligned=spec.is_aligned
        )

    name, state = _state(stream, at, make)
    key = key_at(stream, current)
    maker = entry_maker(stream, state.window, collector.initial)
    current = collector.prepare(current)
    entry = stream.names.fresh("w")
    args = f"{key.text}, {key.shown}, {current.stamp}, {maker}"
    with sound_events(stream, at):
        stream.lines.add(f"{entry} = {name}.find({args})")
        with stream.lines.block(f"if {entry} is not None:"):
            collector.update(entry, current)
    _close_when_due(stream, at, name, lambda entry: collector.leave(entry, key))


def _session(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    collector, clock = collector_at(stream, at), _clock(stream)
    name, state = _state(stream, at, lambda: SessionWindows(collector.slots, clock))
    key, table = (
        key_at(stream, current),
        table_of(stream, name, state, collector.initial),
    )
    end = stream.names.fresh("v")
    stream.lines.add(f"{end} = {current.stamp} + {spec.size + 1}")
    current = collector.prepare(current)
    with sound_events(stream, at):
        entry = _add(table, collector, key, current, f"{name}.open({{0}}, {end})")
        stream.lines.add(f"if {end} > {entry}.end: {entry}.end = {end}")
    _close_when_due(stream, at, name, lambda entry: collector.leave(entry, key))


def _watermarked_session(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    clock, rows = _clock(stream), RowsCollector(stream, at)
    lateness = spec.lateness or 0
    name, _ = _state(
        stream, at, lambda: WatermarkedSessions(clock, spec.size, lateness)
    )
    key = key_at(stream, current)
    current = rows.prepare(current)
    item = rows.item(current)
    kept = PartitionKey("as_key(q.shown)", "q.shown", key.exprs) if key.exprs else None

    def leave(entry: str) -> None:
        batch = stream.names.fresh("b")
        stream.lines.add(f"{batch} = {entry}.rows")
        rows.pass_on(batch, kept)

    _close_when_due(stream, at, name, leave)
    args = f"{key.text}, {key.shown}, {item}, {current.stamp}"
    with sound_events(stream, at):
        stream.lines.add(f"{name}.put({args})")


def _sliding(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    clock, step = _clock(stream), spec.step or 1
    has_watermark = spec.lateness is not None

    def make() -> SlidingWindows:
        return SlidingWindows(clock, spec.size, step, has_watermark=has_watermark)

    _slide(stream, at, _state(stream, at, make), current, has_stamp=True)


def _sliding_count(
    stream: StreamCompiler, at: int, spec: WindowSpec, current: Current
) -> None:
    step = spec.step or 1
    state = _state(stream, at, lambda: SlidingCountWindows(spec.size, step))
    _slide(stream, at, state, current, has_stamp=False)


def _slide(
    stream: StreamCompiler,
    at: int,
    state: tuple[str, Partitions],
    current: Current,
    *,
    has_stamp: bool,
) -> None:
    """Write the lines that add an event and pass the window on if it passes now."""
    rows, key = RowsCollector(stream, at), key_at(stream, current)
    current = rows.prepare(current)
    args = f"{key.text}, {key.shown}, {rows.item(current)}"
    if has_stamp:
        args += f", {current.stamp}"
    batch, entry = stream.names.fresh("b"), stream.names.fresh("w")
    table = stream.names.bind("T", state[1].table)
    with sound_events(stream, at):
        stream.lines.add(f"{batch} = {state[0]}.put({args})")
        with stream.lines.block(f"if {batch} is not None:"):
            stream.lines.add(f"{entry} = {table}[{key.text}]")
            rows.pass_on(batch, kept_key(key, entry))


def _count(stream: StreamCompiler, at: int, spec: WindowSpec, current: Current) -> None:
    collector = collector_at(stream, at)
    name, state = _state(stream, at, lambda: Collections(collector.slots))
    key, table = (
        key_at(stream, current),
        table_of(stream, name, state, collector.initial),
    )
    current = collector.prepare(current)
    is_counted = any(slot.name == "n" for slot in collector.slots)
    with sound_events(stream, at):
        entry = _add(table, collector, key, current, f"{name}.add({{0}})")
        present = f"{entry}.n" if is_counted else f"len({entry}.rows)"
        with stream.lines.block(f"if {present} >= {spec.size}:"):
            stream.lines.add(f"del {table.entries}[{entry}.key]")
            collector.leave(entry, key)


_FORMS: Final[dict[str, Callable[[StreamCompiler, int, WindowSpec, Current], None]]] = {
    "time": _tumbling,
    "watermarked time": _watermarked,
    "session": _session,
    "watermarked session": _watermarked_session,
    "sliding time": _sliding,
    "count": _count,
    "sliding count": _sliding_count,
}


# --- aggregates without a window, and over batches --------------------------------------


def aggregate(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Add the event to what came since start and pass on the result so far."""
    collector = AggregateCollector(stream, at, is_running=True)
    place = f"{at} aggregate"
    name = stream.state(
        place, "aggregate", PER_KEY, lambda: Collections(collector.slots)
    )
    slot = stream.unit.states[stream.stream.index, stream.prefix + place]
    assert isinstance(slot.state, Partitions)
    key = key_at(stream, current)
    table = table_of(stream, name, slot.state, collector.initial)
    current = collector.prepare(current)
    with sound_events(stream, at):
        entry = _add(table, collector, key, current, f"{name}.add({{0}})")
        collector.leave(entry, key)


def aggregate_batch(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Make one aggregate of the content of a window, or one per group."""
    if not batch.is_window:
        with stream.each(batch) as current:
            aggregate(stream, at, op, current)
        return
    with stream.lines.block(f"if {batch.variable}:"):
        if batch.group_by:
            _aggregate_groups(stream, at, batch)
        else:
            _aggregate_whole(stream, at, batch)


def _aggregate_whole(stream: StreamCompiler, at: int, batch: Batch) -> None:
    collector = AggregateCollector(stream, at)
    key = batch.key or NO_KEY
    maker = entry_maker(stream, entry_class(collector.slots), collector.initial)
    entry = stream.names.fresh("w")
    stream.lines.add(f"{entry} = {maker}({key.text}, {key.shown})")
    with stream.each(batch) as current:
        current = collector.prepare(current)
        collector.update(entry, current)
    collector.leave(entry, key)


def _aggregate_groups(stream: StreamCompiler, at: int, batch: Batch) -> None:
    """Aggregate per key, in order of first appearance."""
    collector = AggregateCollector(stream, at)
    maker = entry_maker(stream, entry_class(collector.slots), collector.initial)
    names, lines = stream.names, stream.lines
    groups, entry = names.fresh("g"), names.fresh("w")
    lines.add(f"{groups} = {{}}")
    with stream.each(batch) as current:
        key, current = key_of(stream, batch.group_by, current)
        current = collector.prepare(current)
        lines.add(f"{entry} = {groups}.get({key.text})")
        with lines.block(f"if {entry} is None:"):
            lines.add(
                f"{groups}[{key.text}] = {entry} = {maker}({key.text}, {key.shown})"
            )
        collector.update(entry, current)
    made = names.fresh("b")
    lines.add(f"{made} = []")
    with lines.block(f"for {entry} in {groups}.values():"):
        event = collector.aggregation.result(entry, key, carries_key=True)
        event = stream.with_row(event)
        lines.add(f"{made}.append(({event.row}, {event.type.text}, None))")
    stream.batch(at + 1, Batch(made, stream.own_type(), is_window=True))


HANDLERS: Final[dict[str, Handler]] = {"window": window, "aggregate": aggregate}
BATCHES: Final[dict[str, BatchHandler]] = {
    "window": window_batch,
    "aggregate": aggregate_batch,
}
