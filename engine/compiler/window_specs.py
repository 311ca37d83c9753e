"""What a `.window(..)` asks for (vpl.md 9.1)."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.compiler.clocks import lateness_ns
from engine.compiler.constants import constant_value, duration_ns, whole_number
from engine.compiler.plan import StreamPlan
from engine.errors import LoadError
from engine.runtime.values import Duration
from vpl import Program, nodes


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A window: its form, its size and how often it passes.

    `size` and `step` are ns, or numbers of events for counts; `step` is None unless the
    window slides. `lateness` in ns is None without a watermark.
    """

    form: Literal["time", "count", "session"]
    size: int
    step: int | None = None
    is_aligned: bool = False
    lateness: int | None = None


def window_spec(
    program: Program, stream: StreamPlan, op: nodes.Operation
) -> WindowSpec:
    """Return what a window operation asks for; raises `LoadError` for sizes like 0."""
    given = {arg.name or "size": arg.value for arg in op.args}
    lateness = _lateness(program, stream)
    if "session" in given:
        gap = duration_ns(program, given["session"], "a session")
        return WindowSpec("session", gap, lateness=lateness)
    size = constant_value(program, given["size"])
    if size.__class__ is Duration:
        return _timed(program, given, lateness)
    count = whole_number(program, given["size"], "a window", 1)
    step = None
    if "sliding" in given:
        step = whole_number(program, given["sliding"], "a sliding window", 1)
    return WindowSpec("count", count, step)


def _timed(
    program: Program, given: dict[str, nodes.Expr], lateness: int | None
) -> WindowSpec:
    size = duration_ns(program, given["size"], "a window")
    if "sliding" in given:
        step = duration_ns(program, given["sliding"], "a sliding window")
        return WindowSpec("time", size, step, lateness=lateness)
    is_aligned = "align" in given and _flag(program, given["align"])
    return WindowSpec("time", size, is_aligned=is_aligned, lateness=lateness)


def _flag(program: Program, node: nodes.Expr) -> bool:
    value: Any = constant_value(program, node)
    if value is True or value is False:
        return bool(value)
    raise LoadError(f"line {node.span.line}: 'align' wants true or false")


def _lateness(program: Program, stream: StreamPlan) -> int | None:
    """Return the lateness that windows under a watermark wait for."""
    if stream.declared("watermark") is None:
        return None
    return lateness_ns(program, stream) or 0
