"""The run cases of the language reference, through the compiled engine."""

import json
import math
from collections import deque
from typing import Any

import pytest

from engine import Event, compile_program
from engine.connectors.fake import RecordingSinks
from engine.runtime.times import envelope_ns, parse_instant
from tests.conformance.cases import run_cases

CASES = run_cases()
NS_PER_MS = 1_000_000


def as_event(place: int, raw: dict[str, Any]) -> Event:
    stamp = envelope_ns(raw["timestamp"]) if "timestamp" in raw else place * NS_PER_MS
    return Event(raw["event_type"], raw["fields"], stamp)


def with_sink(program: str) -> str:
    """Return the program with a sink at the end of each stream: it dates outputs."""
    lines = program.splitlines()
    sent = [f"{li} .to(Dated)" if li.startswith("stream ") else li for li in lines]
    return "\n".join(["connector Dated = console()", *sent])


def with_stamps(
    outputs: list[dict[str, Any]], sinks: RecordingSinks
) -> list[dict[str, Any]]:
    """Return outputs, which replies give without timestamps, with those of the sink."""
    sent = sinks.by_name["Dated"].sent
    stamps: dict[str, deque[str]] = {}
    for event in sent:
        stamps.setdefault(event.stream, deque()).append(event.json()["timestamp"])
    return [
        {"timestamp": stamps[output["event_type"]].popleft(), **output}
        for output in outputs
    ]


def run(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs of a case, dated where it says when they are to be."""
    if not any("timestamp" in event for event in case["expected"]):
        return run_program(case, case["program"], None)
    sinks = RecordingSinks()
    return with_stamps(run_program(case, with_sink(case["program"]), sinks), sinks)


def run_program(
    case: dict[str, Any], program: str, sinks: RecordingSinks | None
) -> list[dict[str, Any]]:
    pipeline = compile_program(program, sinks=sinks)
    try:
        outputs = []
        for place, raw in enumerate(case["events"]):
            reply = pipeline.inject(as_event(place, raw))
            assert reply.complete
            outputs += json.loads(reply.to_json_bytes())["output_events"]
        if case["flush"]:
            reply = pipeline.flush()
            outputs += json.loads(reply.to_json_bytes())["output_events"]
        return outputs
    finally:
        pipeline.close()


def is_same(got: Any, wanted: Any) -> bool:
    """Compare as the cases ask for: kinds exactly, floats to 1e-9 relative."""
    if type(got) is not type(wanted):
        return False
    if isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(
            is_same(got[key], wanted[key]) for key in wanted
        )
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(is_same, got, wanted))
    if isinstance(wanted, float):
        return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=0.0)
    return bool(got == wanted)


def is_same_event(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Compare outputs; a timestamp as an instant, and only where one is wanted."""
    got, wanted = dict(got), dict(wanted)
    got_stamp, wanted_stamp = got.pop("timestamp", None), wanted.pop("timestamp", None)
    if wanted_stamp is not None and isinstance(got_stamp, str):
        if parse_instant(got_stamp) != parse_instant(wanted_stamp):
            return False
    elif wanted_stamp is not None:
        return False
    return is_same(got, wanted)


def matches(got: list[Any], wanted: list[Any], *, is_unordered: bool) -> bool:
    if len(got) != len(wanted):
        return False
    if not is_unordered:
        return all(map(is_same_event, got, wanted))
    left = list(got)
    for event in wanted:
        found = next((item for item in left if is_same_event(item, event)), None)
        if found is None:
            return False
        left.remove(found)
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_run_case(case: dict[str, Any]) -> None:
    outputs = run(case)
    assert matches(
        outputs, case["expected"], is_unordered=case.get("unordered", False)
    ), f"{case['title']}: got {outputs}, wanted {case['expected']}"
