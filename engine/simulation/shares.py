"""Sharing the events of a simulation between processes by a field."""

import contextlib
import subprocess
import sys
import threading
import zlib
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue
from typing import IO, Any, Final, Protocol, cast

from engine.errors import BadEventError, EngineError
from engine.event_files import Block, EventBlock
from engine.metrics import StreamMetrics
from engine.simulation.frames import (
    Answer,
    Dated,
    Job,
    Result,
    Setup,
    decode_answer,
    read_frame,
    write_frame,
)
from engine.simulation.totals import Totals
from engine.wire import decode_json, split_payload

MODULE: Final = "engine.management.share"
MOST_UNDER_WAY: Final = 3  # blocks
END_TIMEOUT_S: Final = 30.0


class ShareLostError(EngineError):
    """A process ended before its work was done."""


class ShareAudience(Protocol):
    """Learns what a shared simulation gives, in the order of the events."""

    def lines(self, data: bytes) -> None:
        """Take the outputs of an event as JSON lines."""
        ...

    def printed(self, text: str) -> None:
        """Take what the program printed."""
        ...

    def fault(self, error: dict[str, Any]) -> None:
        """Take an error at run time."""
        ...

    def rejected(self, place: int, reason: str) -> None:
        """Take a reason why the event of a place is none."""
        ...


class _Share:
    """One process, and a thread that takes its answers."""

    def __init__(self, setup: Setup) -> None:
        # -P: a folder called engine where the user stands is not ours.
        command = [sys.executable, "-P", "-m", MODULE]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._inward = cast("IO[bytes]", self._process.stdin)
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.send(setup)

    def send(self, frame: Setup | Job) -> None:
        """Hand over a frame; raises ShareLostError."""
        try:
            write_frame(cast("Any", self._inward), frame)
        except OSError as error:
            raise self._lost() from error

    def answer(self) -> Answer:
        """Return the next answer; raises ShareLostError."""
        answer = self._answers.get()
        if answer is None:
            raise self._lost()
        return answer

    def close(self) -> None:
        """Let the process end."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._inward.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        outward = cast("Any", self._process.stdout)
        while (frame := read_frame(outward)) is not None:
            self._answers.put(decode_answer(frame))
        self._answers.put(None)

    def _lost(self) -> ShareLostError:
        status = self._process.wait(END_TIMEOUT_S)
        return ShareLostError(f"a worker process ended early with status {status}")


class Shares:
    """Gives each event to the process that its value of `field` belongs to.

    Outputs reach the audience in the order of the events, those of one event in the
    order of the program.
    """

    def __init__(
        self, count: int, setup: Setup, field: str, audience: ShareAudience
    ) -> None:
        self._field = field
        self._audience = audience
        self._shares = [_Share(setup) for _ in range(count)]
        self._under_way: deque[tuple[Sequence[int], list[_Share]]] = deque()
        self.totals = Totals()
        self.streams: dict[str, StreamMetrics] = {}

    def feed(self, block: Block) -> None:
        """Hand out the events of a block; raises ShareLostError."""
        jobs = [Job([], []) for _ in self._shares]
        for at, (item, key) in enumerate(self._items(block)):
            job = jobs[share_of(key, len(jobs))]
            job.at.append(at)
            job.events.append(item)
        asked = []
        for share, job in zip(self._shares, jobs, strict=True):
            if job.at:
                share.send(job)
                asked.append(share)
        self._under_way.append((block.places, asked))
        if len(self._under_way) > MOST_UNDER_WAY:
            self._collect()

    def finish(self) -> None:
        """Wait for everything and count `streams`; raises ShareLostError."""
        while self._under_way:
            self._collect()
        for share in self._shares:
            share.send(Job([], []))
        for share in self._shares:
            for name, counted in share.answer().streams.items():
                self._count(self.streams.setdefault(name, StreamMetrics()), counted)

    @staticmethod
    def _count(total: StreamMetrics, counted: StreamMetrics) -> None:
        total.events_in += counted.events_in
        total.events_out += counted.events_out
        total.outputs += counted.outputs
        for reason, count in counted.eval_errors.items():
            total.eval_errors[reason] = total.eval_errors.get(reason, 0) + count

    def close(self) -> None:
        """End the processes."""
        for share in self._shares:
            share.close()

    def _items(self, block: Block) -> Any:
        """Yield each event as a job has it, with its value of the field."""
        if isinstance(block, EventBlock):
            for event in block.events:
                stamp = event.timestamp or 0
                dated = Dated(event.event_type, event.fields, stamp)
                yield dated, event.fields.get(self._field)
            return
        for _, line in block.payloads():
            yield line, self._key(line)

    def _key(self, line: bytes) -> Any:
        try:
            return split_payload(decode_json(line))[1].get(self._field)
        except BadEventError:
            return None  # whoever gets it says what is wrong

    def _collect(self) -> None:
        places, asked = self._under_way.popleft()
        results: list[Result] = []
        for share in asked:
            answer = share.answer()
            self.totals.events += answer.events
            self.totals.outputs += answer.outputs
            results += answer.results
        for result in sorted(results, key=lambda one: one.at):
            self._tell(result, places[result.at])

    def _tell(self, result: Result, place: int) -> None:
        if result.printed:
            self._audience.printed(result.printed)
        if result.outputs:
            self._audience.lines(result.outputs)
        for error in result.faults:
            self.totals.faults += 1
            self._audience.fault(error)
        if result.rejected is not None:
            self.totals.bad += 1
            self._audience.rejected(place, result.rejected)


def share_of(key: Any, count: int) -> int:
    """Return the share of a value; values that are one key have one share.

    1 and 1.0 are one key, true is another; all arrays and maps share one.
    """
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, list | dict):
        return 0
    return zlib.crc32(repr(key).encode()) % count
