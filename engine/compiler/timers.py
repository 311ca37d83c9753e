"""Timer streams -> source lines (vpl.md section 11).

A tick is an event like any other; what brings it is a state of the stream.
"""

from engine.compiler.clocks import span_ns
from engine.compiler.constants import duration_ns
from engine.compiler.current import Current
from engine.compiler.event_source import event_source
from engine.compiler.streams import StreamCompiler
from engine.runtime.timers import Timer
from vpl import nodes


def timer_source(
    stream: StreamCompiler, current: Current, matched: frozenset[str]
) -> None:
    """Write the operations on the ticks, and make what brings them."""
    source = stream.stream.decl.source
    if isinstance(source, nodes.TimerSource):
        stream.names.fields.stamped = True
        stream.state("timer", "timer", "the next tick", lambda: _timer(stream, source))
    event_source(stream, current, matched)


def _timer(stream: StreamCompiler, source: nodes.TimerSource) -> Timer:
    program = stream.unit.plan.program
    every = duration_ns(program, source.interval, "'timer'")
    delay = every
    for arg in source.args:
        if arg.name == "initial_delay":
            delay = span_ns(program, arg.value, "'initial_delay'")
    return Timer(stream.stream.inputs[0].name, every, delay)
