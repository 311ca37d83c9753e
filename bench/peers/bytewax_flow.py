# What it imports is in the peers' environment only.
# mypy: ignore-errors
"""A task as a bytewax dataflow with one worker."""

import datetime as dt
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import msgspec
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from bench.peers.tasks import EPOCH, MINUTE, TASKS, Task, minute_output

NAME = "bytewax"
PATIENCE = dt.timedelta(seconds=60)
"""Its watermark runs on with the clock on the wall: less, and events would be late."""
WINDOWS = {"minutes"}
"""Tasks that use its own windows; the others keep state with `stateful_flat_map`."""


def outputs(name: str, batches: list[bytes]) -> list[bytes]:
    """Return the outputs of a task as JSON texts, from NDJSON payloads."""
    task = TASKS[name]
    flow = Dataflow(name)
    payloads = op.input("payloads", flow, TestingSource(batches, batch_size=1))
    decode = msgspec.json.Decoder(task.row).decode_lines
    events = op.flat_map("decode", payloads, decode)
    if name in WINDOWS:
        shaped = _minutes(events)
    elif task.key is None:
        shaped = op.flat_map("step", events, lambda event: task.step(None, event))
    else:
        shaped = _stateful(events, task)
    lines = op.map("encode", shaped, msgspec.json.Encoder().encode)
    found: list[bytes] = []
    op.output("found", lines, TestingSink(found))
    run_main(flow)
    return found


def _stateful(events: Any, task: Task) -> Any:
    def step(state: Any, event: Any) -> tuple[Any, Any]:
        if state is None:
            state = task.start()
        return state, task.step(state, event)

    keyed = op.key_on("key", events, task.key)
    return op.key_rm("unkey", op.stateful_flat_map("step", keyed, step))


def _minutes(events: Any) -> Any:
    keyed = op.key_on("key", events, lambda event: event.sensor_id)
    clock = win.EventClock(
        ts_getter=lambda event: event.timestamp,
        wait_for_system_duration=PATIENCE,
    )

    def add(total: tuple[int, float], event: Any) -> tuple[int, float]:
        return total[0] + 1, total[1] + event.temperature

    windows = win.fold_window(
        "minutes",
        keyed,
        clock,
        win.TumblingWindower(length=MINUTE, align_to=EPOCH),
        builder=lambda: (0, 0.0),
        folder=add,
        merger=lambda a, b: (a[0] + b[0], a[1] + b[1]),
    )
    return op.map("shape", windows.down, lambda w: minute_output(w[0], *w[1][1]))
