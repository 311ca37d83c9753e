"""Sequences and patterns against a brute-force matcher, over random short streams."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Event, Limits, Pipeline, compile_program
from engine.runtime.times import parse_instant
from tests.unit.engine.oracles.sequences import Check, Look, Program, matcher

# the first program raises Python's recursion limit, which hypothesis watches
compile_program("stream R = In .emit(r: 1)")

TYPES = ("A", "B", "C")
ALIASES = ("a", "b", "c", "d")
QUEUED = "\nstream Never = S .where(false) .emit(x: 1)"
NS = 1_000_000_000

values = st.sampled_from([1, 1, 1, 1, 1, 2, 2, 1.0, True, "x", "x", None])
numbers = st.sampled_from([0, 1, 2, 3, 4, None])
types = st.sampled_from(TYPES)
seconds = st.integers(1, 6)


@st.composite
def filters(draw: Any, earlier: list[str], own: str | None, *, many: bool) -> Any:
    """Return tests for one event that read events taken before."""
    found = []
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        aliases = [*earlier, own] if many and own else earlier
        alias = (
            draw(st.sampled_from(aliases)) if aliases and draw(st.booleans()) else None
        )
        op = draw(st.sampled_from(["==", "==", "!=", "<", ">"]))
        name = draw(st.sampled_from(["k", "v"]))
        if alias is None:
            found.append(Check("v", op, None, draw(st.integers(0, 3))))
        else:
            found.append(Check(name, op, alias, name))
    return tuple(found)


@st.composite
def arrows(draw: Any) -> Program:
    """Return a sequence written with `->`."""
    count = draw(st.sampled_from([1, 2, 2, 2, 3, 3, 4]))
    steps, earlier = [], []
    for at in range(count):
        alias = ALIASES[at]
        repeat = draw(st.sampled_from(["", "", "+"])) if count > 1 else ""
        tests = draw(filters(earlier, alias, many=bool(repeat)))
        steps.append((Look(draw(types), alias, tests, repeat),))
        earlier.append(alias)
    places = range(1, count)
    bounds = [(at, draw(seconds)) for at in places if draw(st.integers(0, 2)) == 0]
    negations = filters(earlier, None, many=False)
    cancels = [
        Look(draw(types), None, draw(negations))
        for _ in range(draw(st.sampled_from([0, 0, 1])) if count > 1 else 0)
    ]
    absence = None
    if count == 1 or draw(st.integers(0, 3)) == 0:
        absence = (Look(draw(types), None, draw(negations)), draw(seconds))
    return Program(
        "arrow",
        tuple(steps),
        bounds=tuple(bounds),
        cancels=tuple(cancels),
        absence=absence,
        is_keyed=draw(st.booleans()),
    )


@st.composite
def patterns(draw: Any) -> Program:
    """Return a named pattern of form SEQ."""
    count = draw(st.integers(1, 4))
    required = draw(st.integers(0, count - 1))
    steps, earlier, nots = [], [], []
    for at in range(count):
        alias = ALIASES[at]
        repeat = draw(st.sampled_from(["", "", "+", "*", "?"]))
        if at == required and repeat in {"*", "?"}:
            repeat = ""
        tests = draw(filters(earlier, alias, many=repeat in {"+", "*"}))
        looks = [Look(draw(types), alias, tests, repeat)]
        if not repeat and draw(st.integers(0, 3)) == 0:
            other = draw(st.sampled_from([n for n in TYPES if n != looks[0].type]))
            looks.append(
                Look(other, f"{alias}2", draw(filters(earlier, None, many=False)))
            )
        steps.append(tuple(looks))
        earlier += [look.alias for look in looks]
        if draw(st.integers(0, 3)) == 0:
            look = Look(draw(types), None, draw(filters(earlier, None, many=False)))
            nots.append((at + 1, look))
    waits = any(place == count for place, _ in nots)
    within = draw(seconds) if waits or draw(st.booleans()) else None
    return Program(
        "seq",
        tuple(steps),
        within=within,
        nots=tuple(nots),
        is_keyed=draw(st.booleans()),
    )


@st.composite
def both(draw: Any) -> Program:
    """Return a named pattern of form AND."""
    count = draw(st.integers(2, 3))
    aliases = list(ALIASES[:count])
    has_not = draw(st.integers(0, 2)) == 0
    if has_not and draw(st.booleans()):
        aliases = aliases[:1]
    steps = []
    for alias in aliases:
        others = [other for other in aliases if other != alias]
        repeat = draw(st.sampled_from(["", "", "", "+"])) if len(aliases) > 1 else ""
        tests = draw(filters(others, alias, many=bool(repeat)))
        steps.append((Look(draw(types), alias, tests, repeat),))
    nots = ()
    if has_not:
        tests = draw(filters(aliases, None, many=False))
        nots = ((len(steps), Look(draw(types), None, tests)),)
    within = draw(seconds) if has_not or draw(st.booleans()) else None
    keyed = draw(st.booleans())
    return Program("and", tuple(steps), within=within, nots=nots, is_keyed=keyed)


@st.composite
def either(draw: Any) -> Program:
    """Return a named pattern of form OR."""
    looks = [
        (Look(draw(types), alias, draw(filters([], None, many=False))),)
        for alias in ALIASES[: draw(st.integers(1, 3))]
    ]
    return Program("or", tuple(looks), is_keyed=draw(st.booleans()))


@st.composite
def streams(draw: Any, names: list[str]) -> list[dict[str, Any]]:
    """Return up to twelve events, mostly in order of time."""
    now, found = 100, []
    for at in range(draw(st.sampled_from([2, 4, 6, 8, 10, 12]))):
        now += draw(st.sampled_from([0, 0, 0, 1, 1, 2, 4]))
        late = draw(st.sampled_from([0, 0, 0, 0, 0, 1, 3]))
        event = {"type": draw(st.sampled_from(names)), "at": now - late, "i": at}
        for name, strategy in (("k", values), ("v", numbers)):
            value = draw(strategy)
            if value is not None:
                event[name] = value
        found.append(event)
    return found


@st.composite
def cases(draw: Any, programs: Any) -> tuple[Program, list[dict[str, Any]]]:
    """Return a program and events of the types it looks at, sometimes one other."""
    program = draw(programs)
    names = sorted(matcher(program).types())
    return program, draw(streams([*names, *names, "A"]))


bounds = st.sampled_from([(10_000, 10_000)] * 4 + [(2, 10_000), (3, 2), (10_000, 2)])


def plain(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output of S as the matcher writes it."""
    found = {k: v for k, v in output.items() if k != "event_type"}
    found["at"] = (parse_instant(found["at"]) or 0) // NS
    return found


def feed(pipeline: Pipeline, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for event in events:
        fields = {name: event[name] for name in ("i", "k", "v") if name in event}
        reply = pipeline.inject(Event(event["type"], fields, event["at"] * NS))
        answer = json.loads(reply.to_json_bytes())
        assert not answer.get("errors"), answer
        found += answer["output_events"]
    return [plain(output) for output in found]


def flushed(pipeline: Pipeline) -> list[dict[str, Any]]:
    reply = json.loads(pipeline.flush().to_json_bytes())
    assert not reply.get("errors"), reply
    return [plain(output) for output in reply["output_events"]]


def strict(outputs: list[dict[str, Any]]) -> list[str]:
    """Return outputs as texts that tell 1, 1.0 and true apart."""
    return [json.dumps(output, sort_keys=True) for output in outputs]


def check(
    case: tuple[Program, list[dict[str, Any]]],
    bound: tuple[int, int],
    *,
    flush: bool,
    queued: bool,
    pause: int,
) -> None:
    """Compare the engine with the matcher on one case.

    After `pause` events another pipeline goes on from a checkpoint.
    """
    program, events = case
    runs, kleene = bound
    limits = Limits(runs=runs, kleene_events=kleene)
    wanted = matcher(program, runs, kleene).run(events, flush=flush)
    source = program.source() + (QUEUED if queued else "")
    pipeline = compile_program(source, limits=limits)
    got = feed(pipeline, events[:pause])
    if pause < len(events):
        document = json.loads(json.dumps(pipeline.checkpoint()))
        pipeline = compile_program(source, limits=limits)
        pipeline.restore(document)
        got += feed(pipeline, events[pause:])
    if flush:
        got += flushed(pipeline)
    assert strict(got) == strict(wanted), source


MANY = settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FLAGS = {
    "bound": bounds,
    "flush": st.booleans(),
    "queued": st.booleans(),
    "pause": st.sampled_from([1, 2, 3, 5, 99, 99]),
}


@MANY
@given(case=cases(arrows()), **FLAGS)
def test_arrows_match_as_the_reference_says(
    case: Any, bound: tuple[int, int], flush: bool, queued: bool, pause: int
) -> None:
    check(case, bound, flush=flush, queued=queued, pause=pause)


@MANY
@given(case=cases(arrows()), **FLAGS)
def test_more_arrows_match_as_the_reference_says(
    case: Any, bound: tuple[int, int], flush: bool, queued: bool, pause: int
) -> None:
    check(case, bound, flush=flush, queued=queued, pause=pause)


@MANY
@given(case=cases(patterns()), **FLAGS)
def test_patterns_match_as_the_reference_says(
    case: Any, bound: tuple[int, int], flush: bool, queued: bool, pause: int
) -> None:
    check(case, bound, flush=flush, queued=queued, pause=pause)


@MANY
@given(case=cases(st.one_of(both(), both(), either())), **FLAGS)
def test_sides_and_choices_match_as_the_reference_says(
    case: Any, bound: tuple[int, int], flush: bool, queued: bool, pause: int
) -> None:
    check(case, bound, flush=flush, queued=queued, pause=pause)
