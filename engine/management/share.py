"""A process that runs its share of a simulation's events (`simulate --workers`).

Started as `python -m engine.management.share`; frames come in on standard input and go
out on standard output, one answer for each job, in order. Ends with its input.
"""

import signal
import sys
from io import StringIO
from typing import Any, BinaryIO

from engine.connectors.fake import RecordingSinks
from engine.encoding import encode_lines
from engine.event import Event
from engine.event_files import Block, EventBlock, PayloadBlock
from engine.management.compiling import compile_text
from engine.simulation import SIMULATION_LIMITS, EventClock, Simulation
from engine.simulation.frames import (
    Answer,
    Job,
    Result,
    decode_job,
    decode_setup,
    read_frame,
    write_frame,
)


class _Heard:
    """Keeps what one event after the other caused."""

    def __init__(self) -> None:
        self.result = Result(0)

    def outputs(self, rows: list[Any]) -> None:
        """Keep outputs as JSON lines."""
        self.result.outputs += encode_lines(rows)

    def fault(self, error: dict[str, Any]) -> None:
        """Keep an error at run time."""
        self.result.faults = [*self.result.faults, error]

    def rejected(self, place: int, reason: str) -> None:
        """Keep why the event is none."""
        self.result.rejected = reason


def serve(inward: BinaryIO, outward: BinaryIO) -> None:
    """Answer jobs until there are no more; `sys.stdout` is taken for printed text."""
    printed = sys.stdout = StringIO()
    frame = read_frame(inward)
    if frame is None:
        return
    setup = decode_setup(frame)
    clock = EventClock()
    pipeline = compile_text(
        setup.name,
        setup.source,
        sinks=RecordingSinks(),
        clock=clock,
        limits=SIMULATION_LIMITS,
    )
    heard = _Heard()
    simulation = Simulation(
        pipeline, clock, heard, form="all" if setup.wants_outputs else "count"
    )
    while (frame := read_frame(inward)) is not None:
        job = decode_job(frame)
        if job.at:
            answer = _answer(job, simulation, heard, printed)
        else:
            answer = Answer([], 0, 0, pipeline.metrics().streams)
        write_frame(outward, answer)
    pipeline.close()


def _answer(
    job: Job, simulation: Simulation, heard: _Heard, printed: StringIO
) -> Answer:
    totals = simulation.totals
    events, outputs = totals.events, totals.outputs
    results = []
    for at, item in zip(job.at, job.events, strict=True):
        heard.result = result = Result(at)
        simulation.feed(_block(item))
        if text := printed.getvalue():
            result.printed = text
            printed.seek(0)
            printed.truncate()
        if result.outputs or result.printed or result.faults or result.rejected:
            results.append(result)
    return Answer(results, totals.events - events, totals.outputs - outputs)


def _block(item: Any) -> Block:
    if isinstance(item, bytes):
        return PayloadBlock(item, (0,))
    return EventBlock([Event(item.event_type, item.fields, item.timestamp)], (0,))


if __name__ == "__main__":
    # Ctrl+C reaches every process of a terminal; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
