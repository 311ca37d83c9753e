"""The quickest way of one event through a pipeline."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import msgspec

from engine.encoding import encode
from engine.machine import Machine
from engine.metrics import PipelineMetrics
from engine.reply import NO_OUTPUTS, Reply
from engine.runtime.executors import StaticExecutor

Process = Callable[[bytes], bytes]
_NOT_OF_THIS_FORM = (msgspec.DecodeError, RecursionError)


@dataclass(slots=True)
class Gate:
    """What lets one event at a time into a pipeline.

    `machine` is the one that takes events under `lock`, None once there is none.
    """

    lock: threading.Lock
    counts: PipelineMetrics
    machine: Machine | None = None


def quick_process(gate: Gate, machine: Machine, plainly: Process) -> Process | None:
    """Return `Pipeline.process` with all it needs at hand, None if it needs more.

    It leaves to `plainly` what has another form than the event before it, and events
    that come while the pipeline is busy or once it has another machine.
    """
    singles, executor = machine.decoder.singles(), machine.executor
    if not (singles and isinstance(executor, StaticExecutor)) or executor.has_sinks:
        return None
    instance = machine.instance  # its `run_one` is compiled for the first event
    faulted, crashes = executor.faulted, executor.crashes
    lock, counts, count_outputs = gate.lock, gate.counts, machine.count_outputs
    forms = cycle(singles)
    form = next(forms)

    def process(payload: bytes) -> bytes:
        nonlocal form
        decode, is_nested = form
        try:
            row = decode(payload)
        except _NOT_OF_THIS_FORM:
            form = next(forms)
            return plainly(payload)
        if not lock.acquire(False):
            return plainly(payload)
        if gate.machine is not machine:
            lock.release()
            return plainly(payload)
        outputs: list[Any] = []
        faults = None
        try:
            counts.events_in += 1
            instance.run_one(row.t, row.fields if is_nested else row, outputs)
        except Exception as error:  # boundary to generated code
            executor.crashed(error)
        finally:
            if faulted or crashes:
                faults = executor.take_faults()
            if outputs:
                counts.events_out += count_outputs(outputs)
            lock.release()
        if outputs or faults:
            return encode(Reply(True, outputs, faults or []))
        return NO_OUTPUTS

    return process
