"""Short ways to run programs in tests."""

import json
from typing import Any

from engine import Event, Limits, Pipeline, compile_program

Fields = dict[str, Any]


def outputs_of(source: str, *events: Fields, event_type: str = "In") -> list[Fields]:
    """Run events of one type through a program and return all outputs, flat."""
    return outputs_for(compile_program(source), *events, event_type=event_type)


def outputs_for(
    pipeline: Pipeline, *events: Fields, event_type: str = "In"
) -> list[Fields]:
    """Run events of one type through a pipeline and return all outputs, flat."""
    found = []
    for fields in events:
        reply = pipeline.inject(Event(event_type, fields))
        found += json.loads(reply.to_json_bytes())["output_events"]
    return found


def values_of(expressions: str, fields: Fields | None = None, more: str = "") -> Fields:
    """Return the fields that `.emit(expressions)` makes of one event."""
    source = f"{more}\nstream R = In .emit({expressions})"
    (output,) = outputs_of(source, fields or {})
    assert output.pop("event_type") == "R"
    return output


def value_of(expression: str, fields: Fields | None = None, more: str = "") -> Any:
    """Return the value of one expression, None for null."""
    return values_of(f"r: {expression}", fields, more).get("r")


def errors_of(expression: str, fields: Fields | None = None) -> dict[str, int]:
    """Return the counted errors of evaluating one expression once."""
    pipeline = compile_program(f"stream R = In .emit(r: {expression})")
    pipeline.inject(Event("In", fields or {}))
    return pipeline.metrics().errors


def tight(**bounds: Any) -> Limits:
    """Return the limits of a test."""
    return Limits(**bounds)
