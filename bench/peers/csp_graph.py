# What it imports is in the peers' environment only.
# mypy: ignore-errors
# ruff: noqa: RET503 - a node that returns nothing does not tick
"""A task as a csp graph, replayed as fast as it goes."""

import datetime as dt
from typing import Any

import csp
import msgspec
from csp import ts

from bench.peers.tasks import TASKS, Task

NAME = "csp"
START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - csp takes plain UTC only
STEP = dt.timedelta(milliseconds=1)


@csp.node
def decoded(payload: ts[bytes], decode: object) -> ts[[object]]:
    """Decode a payload."""
    if csp.ticked(payload):
        return decode(payload)


@csp.node
def stepped(event: ts[object], task: object, table: object) -> ts[[object]]:
    """Hand the event to the task, with the state of its key."""
    if csp.ticked(event):
        key = task.key(event) if task.key is not None else None
        state = table.get(key)
        if state is None:
            state = table[key] = task.start()
        found = task.step(state, event)
        if found:
            return found


@csp.node
def kept(found: ts[[object]], encode: object, lines: object):
    """Encode what was found, and keep it."""
    if csp.ticked(found):
        for output in found:
            lines.append(encode(output))


@csp.graph
def graph(payloads: object, task: object, table: object, lines: object):
    """Wire payloads, events and outputs."""
    decode = msgspec.json.Decoder(task.row).decode_lines
    source = csp.curve(bytes, payloads)
    events = csp.unroll(decoded(source, decode))
    kept(stepped(events, task, table), msgspec.json.Encoder().encode, lines)


def outputs(name: str, batches: list[bytes]) -> list[bytes]:
    """Return the outputs of a task as JSON texts, from NDJSON payloads."""
    task: Task = TASKS[name]
    table: dict[Any, Any] = {}
    lines: list[bytes] = []
    payloads = [(START + place * STEP, batch) for place, batch in enumerate(batches)]
    csp.run(
        graph, payloads, task, table, lines,
        starttime=START, endtime=dt.timedelta(days=1),
    )  # fmt: skip
    encode = msgspec.json.Encoder().encode
    lines += [encode(out) for state in table.values() for out in task.finish(state)]
    return lines
