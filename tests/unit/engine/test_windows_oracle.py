"""Windows and aggregates against a naive re-computation (oracles/windows.py)."""

import json
import math
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Event, Pipeline, compile_program
from tests.unit.engine.oracles.windows import (
    AGGREGATES,
    Form,
    Given,
    Oracle,
    Watermark,
    aggregate,
    groups,
)

compile_program("stream R = In .emit(r: 1)")

EXAMPLES = 1000  # in each of two tests
S = 1_000_000_000
FORMS = (
    *(Form("tumbling", 5), Form("tumbling", 1), Form("aligned", 4)),
    *(Form("sliding", 4, 2), Form("sliding", 3, 1), Form("sliding", 2, 5)),
    *(Form("count", 1), Form("count", 3), Form("sliding_count", 3, 1)),
    *(Form("sliding_count", 2, 3), Form("session", 2), Form("session", 1)),
)
WATERMARKS = (None, None, Watermark(0), Watermark(3), Watermark(2, 0), Watermark(1, 3))
KEYS = ("a", "b", 1, 1.0, True, None)
VALUES = st.sampled_from([None, 1, 2, 2.0, 2.5, -7.25, True, "x", "y", 10**6])
STEPS = st.sampled_from([0, 1, 1, 2, 3, 6, -1, -2, -4, -9])
EVENTS = st.lists(
    st.tuples(STEPS, st.sampled_from(KEYS), VALUES), min_size=1, max_size=25
)
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def as_given(raw: list[tuple[int, Any, Any]]) -> list[Given]:
    """Return events whose times go on by the given steps."""
    at, events = 100, []
    for number, (step, key, value) in enumerate(raw):
        at += step
        events.append(Given(at, key, value, number))
    return events


@cache
def fresh(source: str, copy: int) -> tuple[Pipeline, Any]:
    """Return a pipeline and its state before the first event."""
    pipeline = compile_program(source)
    return pipeline, pipeline.checkpoint()


def pipeline_of(source: str, copy: int = 0) -> Pipeline:
    """Return a pipeline without state; compiling once is enough for many examples."""
    pipeline, empty = fresh(source, copy)
    pipeline.restore(empty)
    return pipeline


def run(source: str, events: list[Given], cut: int | None = None) -> list[Any]:
    """Return the outputs, flushed; at `cut` the state moves to another pipeline."""
    pipeline = pipeline_of(source)
    outputs = []
    for number, event in enumerate(events):
        if number == cut:
            state = json.loads(json.dumps(pipeline.checkpoint()))
            pipeline = pipeline_of(source, 1)
            pipeline.restore(state)
        fields = {"k": event.key, "v": event.value, "i": event.number}
        reply = pipeline.inject(Event("R", fields, event.at * S))
        outputs += json.loads(reply.to_json_bytes())["output_events"]
    outputs += json.loads(pipeline.flush().to_json_bytes())["output_events"]
    return outputs


def is_shown(got: Any, wanted: Any) -> bool:
    """Tell whether a key is shown as one of the equal values it was seen as."""
    return (got is True) is (wanted is True) and bool(got == wanted)


def is_same(got: Any, wanted: Any) -> bool:
    if type(got) is not type(wanted):
        return False
    if isinstance(wanted, float):
        return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return bool(got == wanted)


def wanted_of(events: list[Given], *, is_keyed: bool = False) -> dict[str, Any]:
    found = aggregate(events)
    if is_keyed:
        found = {"k": events[0].key, **found, "q": events[0].key}
    return {name: value for name, value in found.items() if value is not None}


def check(got: list[Any], wanted: list[dict[str, Any]]) -> None:
    assert len(got) == len(wanted), (got, wanted)
    for one, other in zip(got, wanted, strict=True):
        one = {name: one[name] for name in one if name not in {"event_type", "at"}}
        assert one.keys() == other.keys()
        wrong = [n for n in other if not _agrees(n, one[n], other[n])]
        assert not wrong, (wrong, one, other)


def _agrees(name: str, got: Any, wanted: Any) -> bool:
    return is_shown(got, wanted) if name in {"k", "q"} else is_same(got, wanted)


FIELDS = ", ".join(part.split(":")[0] for part in AGGREGATES.split(", ") if ":" in part)
QUEUE = "\nstream X = S .where(n < 0) .emit(n)"


@SETTINGS
@given(
    st.sampled_from(FORMS),
    st.sampled_from(WATERMARKS),
    st.booleans(),
    st.sampled_from(["", QUEUE]),
    EVENTS,
    st.one_of(st.none(), st.integers(0, 24)),
)
def test_windows_pass_what_the_reference_says(
    form: Form,
    watermark: Watermark | None,
    is_keyed: bool,
    more: str,
    raw: list[tuple[int, Any, Any]],
    cut: int | None,
) -> None:
    events = as_given(raw)
    key = ".partition_by(k)" if is_keyed else ""
    late = watermark.text if watermark else ""
    emit = f".emit({'k, ' if is_keyed else ''}{FIELDS}{', q: _partition' if is_keyed else ''})"
    source = f"stream S = R {late}{key}{form.text}.aggregate({AGGREGATES}){emit}{more}"
    oracle = Oracle(form, watermark, is_keyed)
    for event in events:
        oracle.take(event)
    oracle.flush()
    wanted = [wanted_of(batch, is_keyed=is_keyed) for batch in oracle.passed]
    check(run(source, events, cut), wanted)


@SETTINGS
@given(
    st.sampled_from(FORMS),
    st.sampled_from(WATERMARKS),
    st.booleans(),
    st.sampled_from([".where(i >= 0)", ".order_by(i)", ""]),
    EVENTS,
    st.one_of(st.none(), st.integers(0, 24)),
)
def test_batches_are_what_the_reference_says(
    form: Form,
    watermark: Watermark | None,
    is_keyed: bool,
    between: str,
    raw: list[tuple[int, Any, Any]],
    cut: int | None,
) -> None:
    """The same windows as batches: grouped afterwards, one aggregate per key."""
    events = as_given(raw)
    key = ".partition_by(k)" if is_keyed else ""
    late = watermark.text if watermark else ""
    source = (
        f"stream S = R {late}{key}{form.text}{between}.partition_by(k)"
        f".aggregate({AGGREGATES}) .emit(k, {FIELDS}, q: _partition)"
    )
    oracle = Oracle(form, watermark, is_keyed)
    for event in events:
        oracle.take(event)
    oracle.flush()
    wanted = []
    for batch in oracle.passed:
        whole = sorted(batch, key=lambda e: e.number)
        wanted += [wanted_of(group, is_keyed=True) for group in groups(whole)]
    check(run(source, events, cut), wanted)
