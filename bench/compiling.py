"""From a program's text to its first answer, by the number of its streams."""

import time
from collections.abc import Callable

from bench import workload
from bench.finding import Curve, Finding
from bench.progress import step
from bench.result import Effort, Result, require
from engine import compile_program
from vpl import check, parse

STREAMS = (1, 10, 100, 1000)
TARGET_MS = 50
MS = 1000.0
_STREAM = """stream Hot{i} = TemperatureReading
    .where(temperature > {i}.5)
    .partition_by(sensor_id)
    .window({i} + 1)
    .aggregate(average: avg(temperature), readings: count())
    .emit(sensor_id: sensor_id, average: average)
"""  # a program has at most 60 000 tokens
OF, UNIT = "streams in a program", "ms of CPU time"


def program(streams: int) -> str:
    """Return a program of so many windows of a growing number of events."""
    return "".join(
        _STREAM.replace("{i} + 1", str(i + 1)).replace("{i}", str(i))
        for i in range(streams)
    )


def run(effort: Effort) -> list[Finding]:
    """Measure parsing, checking, and compiling to the first answer."""
    points = STREAMS[:-1] if effort.is_quick else STREAMS
    line = _first_line()
    parsing, checking, answering = [], [], []
    for streams in points:
        step(f"{streams} streams")
        text = program(streams)
        repeats = min(effort.repeats, 3) if streams >= 1000 else effort.repeats
        parsing.append(tuple(_cpu_ms(parse, text) for _ in range(repeats)))
        checking.append(tuple(_cpu_ms(check, text) for _ in range(repeats)))
        answering.append(tuple(_first_answer(text, line) for _ in range(repeats)))
    return [
        Result(
            "a program of 10 streams, from its text to its first answer",
            "ms",
            answering[STREAMS.index(10)],
            better="less",
            target=TARGET_MS,
            checked="the answer, of the first stream whose window is full",
            note="in a warm process; see start-up for cold ones",
        ),
        Curve("text to first answer", OF, points, tuple(answering), UNIT),
        Curve("text to diagnostics", OF, points, tuple(checking), UNIT),
        Curve("text to tree", OF, points, tuple(parsing), UNIT),
    ]


def _first_line() -> bytes:
    """Return an event that the first stream answers at once."""
    return next(
        line for line in workload.lines(1000) if workload.expected_outputs((line,))
    )


def _first_answer(text: str, line: bytes) -> float:
    """Return ms until a new pipeline has answered its first event."""
    started = time.process_time()
    pipeline = compile_program(text)
    outputs = pipeline.inject_batch(line, form="ndjson").outputs
    took = time.process_time() - started
    pipeline.close(5.0)
    require([output["event_type"] for output in outputs], ["Hot0"], "the first answer")
    return took * MS


def _cpu_ms(work: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    work(text)
    return (time.process_time() - started) * MS
