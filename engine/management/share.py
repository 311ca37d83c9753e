"""A process that runs its share of a simulation's events (`simulate --workers`).

Started as `python -m engine.management.share`; frames come in on standard input and go
out on standard output, one answer for each job, in order. Ends with its input.
"""

import signal
import sys
from io import StringIO
from typing import Any, BinaryIO

import msgspec

from engine.connectors.fake import RecordingSinks
from engine.encoding import encode_lines
from engine.errors import BadEventError
from engine.event import Event
from engine.event_files import Block, EventBlock, PayloadBlock
from engine.management.compiling import compile_text
from engine.reply import NO_OUTPUTS
from engine.simulation import EventClock, Simulation, simulation_limits
from engine.simulation.frames import (
    Answer,
    Dated,
    Job,
    Result,
    Setup,
    decode_job,
    decode_setup,
    read_frame,
    write_frame,
)
from engine.simulation.simulation import reads_clock


class _Reply(msgspec.Struct):
    """The members of an inject reply that matter here."""

    output_events: list[msgspec.Raw] = []
    errors: list[dict[str, Any]] = []


_decode_reply = msgspec.json.Decoder(_Reply).decode


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


class _Share:
    """The program, running one event after the other."""

    def __init__(self, setup: Setup, printed: StringIO) -> None:
        clock = EventClock()
        self.pipeline = compile_text(
            setup.name,
            setup.source,
            sinks=RecordingSinks(),
            clock=clock,
            limits=simulation_limits(setup.limits),
        )
        self.pipeline.start()
        self._printed = printed
        self._heard = _Heard()
        self._simulation = Simulation(self.pipeline, clock, self._heard)
        self._wants_outputs = setup.wants_outputs
        self._needs_clock = reads_clock(self.pipeline)
        self._events = self._outputs = 0

    def answer(self, job: Job) -> Answer:
        """Run the events of a job, or tell the counters if there are none."""
        if not job.at:
            return Answer([], 0, 0, self.pipeline.metrics().streams)
        self._events = self._outputs = 0
        results = []
        for at, item in zip(job.at, job.events, strict=True):
            result = Result(at)
            if isinstance(item, bytes) and not self._needs_clock:
                self._quickly(item, result)
            else:
                self._simulate(item, result)
            if text := self._printed.getvalue():
                result.printed = text
                self._printed.seek(0)
                self._printed.truncate()
            if result.outputs or result.printed or result.faults or result.rejected:
                results.append(result)
        return Answer(results, self._events, self._outputs)

    def _quickly(self, line: bytes, result: Result) -> None:
        try:
            answer = self.pipeline.process(line)
        except BadEventError as error:
            result.rejected = str(error)
            return
        self._events += 1
        if answer != NO_OUTPUTS:
            reply = _decode_reply(answer)
            self._outputs += len(reply.output_events)
            result.faults = reply.errors
            if self._wants_outputs:
                result.outputs = b"".join(b"%b\n" % raw for raw in reply.output_events)

    def _simulate(self, item: bytes | Dated, result: Result) -> None:
        totals = self._simulation.totals
        events, outputs = totals.events, totals.outputs
        self._heard.result = result
        self._simulation.feed(_block(item))
        self._events += totals.events - events
        self._outputs += totals.outputs - outputs
        if not self._wants_outputs:
            result.outputs = b""


def serve(inward: BinaryIO, outward: BinaryIO) -> None:
    """Answer jobs until there are no more; `sys.stdout` is taken for printed text."""
    printed = sys.stdout = StringIO()
    frame = read_frame(inward)
    if frame is None:
        return
    share = _Share(decode_setup(frame), printed)
    while (frame := read_frame(inward)) is not None:
        write_frame(outward, share.answer(decode_job(frame)))
    share.pipeline.close()


def _block(item: bytes | Dated) -> Block:
    if isinstance(item, bytes):
        return PayloadBlock(item, (0,))
    return EventBlock([Event(item.event_type, item.fields, item.timestamp)], (0,))


if __name__ == "__main__":
    # Ctrl+C reaches every process of a terminal; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
