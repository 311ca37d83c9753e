"""Whether a workload gives what it must; nothing is measured before."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.agreement import agree
from bench.language.workload import Event, Outputs, Workload
from bench.result import require
from bench.workload import batches
from engine import compile_program

BATCH = 1000
CHECKED = "all outputs compared with a computation of their own"
_STAMPED = msgspec.json.Decoder(dict[str, Any])


def check(workload: Workload, lines: Sequence[bytes], size: int = BATCH) -> Outputs:
    """Compare engine and hand-written program with what must come out; return that.

    Raises `WrongOutputError`.
    """
    wanted = workload.expected([decoded(line) for line in lines])
    name = workload.name
    require(bool(wanted), True, f"{name}: whether anything comes out")
    payloads = batches(tuple(lines), size)
    agree(through_engine(workload, payloads), wanted, f"{name}: outputs of batches")
    if workload.is_single:
        agree(through_calls(workload, lines), wanted, f"{name}: outputs of calls")
    handle = workload.by_hand()
    by_hand = [out for payload in payloads for out in _outputs(handle(payload))]
    agree(by_hand, wanted, f"{name}: outputs of hand-written Python")
    return wanted


def decoded(line: bytes) -> Event:
    """Return an event with its timestamp as a datetime."""
    event = _STAMPED.decode(line)
    event["timestamp"] = msgspec.convert(event["timestamp"], dt.datetime)
    return event


def through_engine(
    workload: Workload, payloads: Sequence[bytes], *, is_ended: bool = False
) -> Outputs:
    """Return the outputs of batches, and, if ended, of what is open after the last."""
    pipeline = compile_program(workload.program)
    try:
        outputs = [
            output
            for payload in payloads
            for output in pipeline.inject_batch(payload, form="ndjson").outputs
        ]
        return [*outputs, *pipeline.flush().outputs] if is_ended else outputs
    finally:
        pipeline.close(5.0)


def through_calls(workload: Workload, lines: Sequence[bytes]) -> Outputs:
    """Return the outputs of one event per call."""
    pipeline = compile_program(workload.program)
    try:
        pipeline.start()
        return [
            output
            for line in lines
            for output in msgspec.json.decode(pipeline.process(line))["output_events"]
        ]
    finally:
        pipeline.close(5.0)


def _outputs(lines: bytes) -> Outputs:
    return list(msgspec.json.Decoder().decode_lines(lines))
