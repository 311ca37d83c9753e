"""Filter and emit in process, JSON bytes in, JSON bytes out, one core."""

import statistics
from collections.abc import Callable
from typing import Any

import msgspec

from bench import workload
from bench.result import Effort, Result, require
from bench.timing import rates
from engine import compile_program

BATCH = 1000
CHECKED = "every output compared with the definition"


class Reading(msgspec.Struct, gc=False):
    """The fields that the program reads: the floor decodes no more."""

    event_type: Any
    sensor_id: Any = None
    temperature: Any = None
    timestamp: Any = None


def run(effort: Effort) -> list[Result]:
    """Measure batches of 1000, and one event per call, against floors of this run."""
    events = workload.lines(effort.events)
    batches = workload.batches(events, BATCH)
    wanted = workload.expected_outputs(events)
    decode = statistics.median(
        rates(_decode_only(batches), len(events), effort.repeats)
    )
    by_hand = _by_hand(batches)
    require(b"".join(by_hand()), _lines(wanted), "hand-written Python")
    hand = rates(by_hand, len(events), effort.repeats)
    return [
        Result(
            "hand-written Python, batches of 1000",
            "events/s",
            hand,
            baseline=("msgspec decode only", decode),
            checked=CHECKED,
            note="the same technique without the language: what generated code aims at",
        ),
        _batches(events, batches, wanted, effort, decode),
        _single(events, wanted, effort),
    ]


def _batches(
    events: tuple[bytes, ...],
    batches: list[bytes],
    wanted: list[dict[str, Any]],
    effort: Effort,
    decode: float,
) -> Result:
    pipeline = compile_program(workload.PROGRAM)
    try:
        outputs = [
            out
            for batch in batches
            for out in pipeline.inject_batch(batch, form="ndjson").outputs
        ]
        require(outputs, wanted, "outputs of batches")

        def work() -> None:
            for batch in batches:
                pipeline.inject_batch(batch, form="ndjson").to_json_bytes()

        samples = rates(work, len(events), effort.repeats)
    finally:
        pipeline.close(5.0)
    return Result(
        "filter + emit, batches of 1000",
        "events/s",
        samples,
        target=4e6,
        baseline=("msgspec decode only", decode),
        checked=CHECKED,
    )


def _single(
    events: tuple[bytes, ...], wanted: list[dict[str, Any]], effort: Effort
) -> Result:
    pipeline = compile_program(workload.PROGRAM)
    try:
        pipeline.start()
        process = pipeline.process
        found = [
            out
            for line in events
            for out in msgspec.json.decode(process(line))["output_events"]
        ]
        require(found, wanted, "outputs of single events")

        def work() -> None:
            for line in events:
                process(line)

        samples = rates(work, len(events), effort.repeats)
    finally:
        pipeline.close(5.0)
    return Result(
        "filter + emit, one event per call",
        "events/s",
        samples,
        target=2e6,
        checked=CHECKED,
    )


def _lines(wanted: list[dict[str, Any]]) -> bytes:
    return msgspec.json.Encoder().encode_lines(wanted)


def _decode_only(batches: list[bytes]) -> Callable[[], object]:
    decoder = msgspec.json.Decoder(Reading)

    def work() -> None:
        for batch in batches:
            decoder.decode_lines(batch)

    return work


def _by_hand(batches: list[bytes]) -> Callable[[], list[bytes]]:
    """Return what a programmer would write for this one program."""
    decoder = msgspec.json.Decoder(Reading)
    encoder = msgspec.json.Encoder()

    def work() -> list[bytes]:
        replies: list[bytes] = []
        for batch in batches:
            outputs = []
            for event in decoder.decode_lines(batch):
                if event.event_type == "TemperatureReading":
                    value = event.temperature
                    if value.__class__ is float and value > workload.LIMIT:
                        outputs.append({
                            "event_type": "HotReading",
                            "alert_type": "HIGH_TEMP",
                            "sensor_id": event.sensor_id,
                            "temperature": value,
                        })
            replies.append(encoder.encode_lines(outputs))
        return replies

    return work
