"""The clock of a stream -> source lines (vpl.md 12.2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.compiler.constants import constant_value
from engine.compiler.plan import StreamPlan
from engine.errors import LoadError
from engine.runtime.state import END_OF_TIME
from engine.runtime.values import Duration
from vpl import Program, nodes

if TYPE_CHECKING:
    from engine.compiler.current import Current
    from engine.compiler.streams import StreamCompiler, Unit


def span_ns(program: Program, node: nodes.Expr, what: str) -> int:
    """Return a length of time of zero or more in ns; raises `LoadError` otherwise."""
    value = constant_value(program, node)
    if value.__class__ is Duration and value.ns >= 0:
        return int(value.ns)
    raise LoadError(f"line {node.span.line}: {what} wants a duration of zero or more")


def out_of_order_ns(program: Program, stream: StreamPlan) -> int | None:
    """Return by how much the clock lags behind, None without `.watermark`."""
    op = stream.declared("watermark")
    value = next((arg.value for arg in op.args), None) if op is not None else None
    return None if value is None else span_ns(program, value, "'.watermark'")


def lateness_ns(program: Program, stream: StreamPlan) -> int | None:
    """Return how late events may be, None without `.allowed_lateness`."""
    op = stream.declared("allowed_lateness")
    if op is None or not op.args:
        return None
    return span_ns(program, op.args[0].value, "'.allowed_lateness'")


def advance(
    stream: "StreamCompiler", current: "Current", matched: frozenset[str]
) -> None:
    """Write that every event moves the clock, and that what is due comes first."""
    clock = stream.unit.clock(stream.stream)
    stream.names.fields.stamped = True
    lag_ns = out_of_order_ns(stream.unit.plan.program, stream.stream)
    names = list(dict.fromkeys(part.name for part in stream.stream.inputs))
    if lag_ns is None and stream.stream.has_deadlines:
        _follow_to_due(stream, clock, current.stamp)
        return
    if lag_ns is None:
        _follow(stream, clock, current.stamp)
    elif len(names) == 1:
        _follow(
            stream, clock, f"{current.stamp} - {lag_ns}" if lag_ns else current.stamp
        )
    else:
        stream.unit.clocks[stream.stream.index].listen(len(names))
        for at in (at for at, name in enumerate(names) if name in matched):
            stream.lines.add(f"{clock}.hear({at}, {current.stamp}, {lag_ns})")
    if stream.stream.has_deadlines:
        with stream.lines.block(f"if {clock}.now >= {clock}.due:"):
            due = f"due{stream.stream.index}"
            stream.lines.add(stream.call(due, f"{clock}.now"))


def run_on(unit: "Unit", stream: StreamPlan, now: str) -> list[str]:
    """Return the lines that let the clock run on to `now` without an event.

    Only with a watermark, where windows that are closed must not open again; otherwise
    events decide what time it is. The end of time is no time of a clock.
    """
    if stream.declared("watermark") is None:
        return []
    clock = unit.clock(stream)
    return [f"if {clock}.now < {now} < {END_OF_TIME}: {clock}.now = {now}"]


def _follow_to_due(stream: "StreamCompiler", clock: str, stamp: str) -> None:
    """Write that the clock follows the greatest timestamp, and does what is due then.

    Something may be due where it stands still, too: what an event of the past began.
    """
    due, lines = f"due{stream.stream.index}", stream.lines
    with lines.block(f"if {stamp} > {clock}.now:"):
        lines.add(f"{clock}.now = {stamp}")
        lines.add(f"if {stamp} >= {clock}.due: {stream.call(due, stamp)}")
    now = f"{clock}.now"
    lines.add(f"elif {now} >= {clock}.due: {stream.call(due, now)}")


def _follow(stream: "StreamCompiler", clock: str, stamp: str) -> None:
    """Write that the clock follows the greatest timestamp."""
    if stamp.isidentifier() or "-" not in stamp:
        stream.lines.add(f"if {stamp} > {clock}.now: {clock}.now = {stamp}")
        return
    time = stream.names.fresh("v")
    stream.lines.add(f"if ({time} := {stamp}) > {clock}.now: {clock}.now = {time}")


@contextmanager
def unless_late(stream: "StreamCompiler", current: "Current") -> Iterator[None]:
    """Write what follows so that events that come too late are dropped and counted.

    Only a stream with a watermark has late events.
    """
    program = stream.unit.plan.program
    lateness = lateness_ns(program, stream.stream)
    if lateness is None or stream.stream.declared("watermark") is None:
        yield
        return
    clock = stream.unit.clock(stream.stream)
    with stream.lines.block(f"if {current.stamp} < {clock}.now - {lateness}:"):
        stream.lines.add(f'{stream.frame}.tally("late_events")')
    with stream.lines.block("else:"):
        yield
