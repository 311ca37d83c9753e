"""Running programs on events with times, given in seconds."""

import json
from typing import Any

from engine import Event, Pipeline, compile_program

Fields = dict[str, Any]
Timed = tuple[float, Fields]
QUEUED = "\nfn extra(): emit Extra(n: 1)\nstream Many = Never .process(extra())\nstream Sunk = Many .emit(n)"
"""Streams that nothing reaches; with them a program runs through the queue."""


def inject(
    pipeline: Pipeline, *events: Timed, event_type: str = "R", flush: bool = False
) -> list[Fields]:
    """Return the outputs of events at seconds, flat and without their type."""
    found = []
    for at, fields in events:
        event = Event(event_type, fields, round(at * 1e9))
        found += outputs(pipeline.inject(event))
    if flush:
        found += outputs(pipeline.flush())
    return found


def outputs(reply: Any) -> list[Fields]:
    """Return the outputs of a reply without their types."""
    made: list[Fields] = json.loads(reply.to_json_bytes())["output_events"]
    for output in made:
        output.pop("event_type")
    return made


def run(source: str, *events: Timed, flush: bool = False) -> list[Fields]:
    """Return the outputs of events of type R, the same in both forms of programs."""
    inlined, queued = compile_program(source), compile_program(source + QUEUED)
    assert "def run(" not in queued.explain_source()
    found = inject(inlined, *events, flush=flush)
    assert inject(queued, *events, flush=flush) == found
    return found


def values(*numbers: Any) -> list[Timed]:
    """Return events one second apart with the field v."""
    return [(at, {"v": number}) for at, number in enumerate(numbers)]
