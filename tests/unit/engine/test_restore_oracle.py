"""Stopped at any event and restored, a program gives what it would have given."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Event, Pipeline, compile_program
from tests.unit.engine.stateful_programs import KINDS, events, programs

compile_program("stream S = A")  # sets the recursion limit before hypothesis looks
EXAMPLES = 150  # of each kind, and of all together


def _give(pipeline: Pipeline, given_events: list[Event]) -> list[Any]:
    found = []
    for event in given_events:
        reply = pipeline.inject(event)
        assert not reply.errors
        found.append(json.loads(reply.to_json_bytes())["output_events"])
    return found


def _end(pipeline: Pipeline) -> list[Any]:
    outputs: list[Any] = json.loads(pipeline.flush().to_json_bytes())["output_events"]
    return outputs


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kinds", [(kind,) for kind in KINDS] + [tuple(KINDS)])
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_a_restored_program_goes_on_as_if_never_stopped(
    kinds: tuple[str, ...], data: st.DataObject
) -> None:
    program = data.draw(programs(kinds))
    given_events = data.draw(events())
    cut = data.draw(st.integers(0, len(given_events)))
    whole = compile_program(program)
    wanted = [*_give(whole, given_events), _end(whole)]
    first = compile_program(program)
    found = _give(first, given_events[:cut])
    document = json.loads(json.dumps(first.checkpoint()))
    second = compile_program(program)
    restored = second.restore(document)
    assert restored.kept == second.streams
    found += [*_give(second, given_events[cut:]), _end(second)]
    assert found == wanted
    assert second.metrics().streams == whole.metrics().streams
