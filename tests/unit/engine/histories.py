"""Running short histories of events through a program."""

import json
from typing import Any

from engine import Event, Limits, Pipeline, compile_program
from engine.runtime.times import NS_PER_MS

Fields = dict[str, Any]
Happening = tuple[str, float] | tuple[str, float, Fields]
"""Type, seconds since 1970 and perhaps fields of an event."""


def feed(pipeline: Pipeline, *events: Happening) -> list[Fields]:
    """Inject events and return all outputs, flat."""
    found = []
    for event_type, at_s, *fields in events:
        stamp = round(at_s * 1000) * NS_PER_MS
        event = Event(event_type, dict(fields[0]) if fields else {}, stamp)
        reply = json.loads(pipeline.inject(event).to_json_bytes())
        assert "errors" not in reply, reply
        found += reply["output_events"]
    return found


def flush(pipeline: Pipeline) -> list[Fields]:
    """Let time run out and return the outputs."""
    found: list[Fields] = json.loads(pipeline.flush().to_json_bytes())["output_events"]
    return found


def history(
    source: str, *events: Happening, ends: bool = False, limits: Limits | None = None
) -> list[Fields]:
    """Return what a fresh pipeline gives, without the type of outputs."""
    pipeline = compile_program(source, limits=limits)
    found = feed(pipeline, *events)
    if ends:
        found += flush(pipeline)
    return [{k: v for k, v in out.items() if k != "event_type"} for out in found]
