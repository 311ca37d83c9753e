"""Named patterns wherever a stream or a pattern takes events by name (vpl.md 10.1)."""

import pytest

import vpl
from engine import InvalidProgramError, compile_program
from tests.unit.engine.histories import Happening, feed, history

PAIR = "pattern P = SEQ(A as a, B)\n"
MATCHES: list[Happening] = [("A", 0, {"n": 1}), ("B", 1), ("C", 2)]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "stream Other = P -> D .emit(n: 1)\n",
        "stream Other = P .emit(n: 1)\n",
    ],
)
def test_a_pattern_of_patterns_does_not_depend_on_other_streams(more: str) -> None:
    source = PAIR + "pattern Q = SEQ(P as p, C)\nstream S = Q .emit(n: p.a_n)\n" + more
    pipeline = compile_program(source)
    got = [found for found in feed(pipeline, *MATCHES) if found["event_type"] == "S"]
    assert got == [{"event_type": "S", "n": 1}]


@pytest.mark.parametrize(
    ("stream", "events", "expected"),
    [
        ("merge(P, C) .emit(t: event_type)", MATCHES, [{"t": "P"}, {"t": "C"}]),
        (
            "join(P, C) .on(P.a_n == C.n) .window(5s) .emit(n: C.n, m: a_n)",
            [*MATCHES[:2], ("C", 2, {"n": 1})],
            [{"n": 1, "m": 1}],
        ),
        ("X -> C .not(P) .emit(n: 1)", [("X", 0), *MATCHES], []),
        ("X -> C .not(P) .emit(n: 1)", [("X", 0), MATCHES[0], ("C", 2)], [{"n": 1}]),
        ("X as x .not(P).within(5s) .emit(n: 1)", [("X", 0), *MATCHES], []),
        ("sequence(p: P, c: C) .emit(n: p.a_n)", MATCHES, [{"n": 1}]),
        ("C -> all P as p .emit(n: len(p))", [("C", 0), *MATCHES], [{"n": 1}]),
    ],
)
def test_matches_are_events_everywhere(
    stream: str, events: list[Happening], expected: list[dict[str, object]]
) -> None:
    assert history(f"{PAIR}stream S = {stream}", *events, ends=True) == expected


def test_patterns_may_be_nested_deeply_and_more_than_once() -> None:
    patterns = "pattern P0 = SEQ(A, B)\n" + "".join(
        f"pattern P{at} = SEQ(P{at - 1}, C) OR SEQ(P{at - 1}, D)\n"
        for at in range(1, 30)
    )
    source = patterns + "stream S = P29 .emit(n: 1)\n"
    events: list[Happening] = [("A", 0), ("B", 1), *(("C", at) for at in range(2, 31))]
    assert history(source, *events) == [{"n": 1}]
    assert vpl.consumed_types(vpl.parse(source).program) == frozenset("ABCD")


@pytest.mark.parametrize("taken", ["merge(P, C)", "C as c .not(P).within(5s)", "P"])
def test_a_stream_of_the_name_is_refused_if_somebody_takes_its_events(
    taken: str,
) -> None:
    source = PAIR + f"stream P = D .emit(d: 1)\nstream S = {taken} .emit(d)\n"
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(source)
    assert [found.code for found in caught.value.diagnostics] == ["E002"]


def test_a_stream_may_be_named_like_its_own_pattern() -> None:
    source = PAIR + "stream P = P .emit(n: a.n)\n"
    assert feed(compile_program(source), *MATCHES) == [{"event_type": "P", "n": 1}]


def test_the_own_name_in_a_pattern_means_events() -> None:
    source = "pattern A = SEQ(A as a, B)\nstream S = A .emit(n: a.n)\n"
    assert history(source, *MATCHES) == [{"n": 1}]


@pytest.mark.parametrize(
    "source",
    [
        "pattern P = SEQ(Q, A)\npattern Q = SEQ(P, B)\nstream S = P",
        "pattern P = SEQ(A, NOT Q, B)\npattern Q = SEQ(R, B)\npattern R = P OR A",
        "pattern A = SEQ(A, B)\nstream S = merge(A, C)",
        "pattern A = SEQ(A, B)\npattern Q = SEQ(A, C)\nstream S = Q",
        PAIR + "stream S = merge(P, C) .emit as A(n: 1)",
        PAIR + "stream S = C .not(P).within(5s) .emit as B(n: 1)",
    ],
)
def test_circles_through_patterns_are_refused(source: str) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(source)
    assert [found.code for found in caught.value.diagnostics] == ["E024"]


def test_a_pipeline_takes_what_the_patterns_of_its_streams_look_at() -> None:
    source = (
        PAIR
        + "pattern Q = SEQ(P, C)\nstream S = merge(Q, stream E = F)\nstream T = X .not(Q).within(1s)\n"
    )
    assert vpl.consumed_types(vpl.parse(source).program) == frozenset("ABCFX")


@pytest.mark.parametrize(
    "stream", ["Q .emit(n: 1)", "merge(P, C)", "X .not(P).within(1s)", "X -> P"]
)
def test_the_fingerprint_tells_of_the_pattern(stream: str) -> None:
    source = f"{PAIR}pattern Q = SEQ(P, C)\nstream S = {stream}\n"
    before = vpl.stream_fingerprint(vpl.parse(source).program, "S")
    after = vpl.stream_fingerprint(
        vpl.parse(source.replace("as a, B", "as a, D")).program, "S"
    )
    assert before != after


def test_matches_as_events_cross_contexts_and_survive_a_restore() -> None:
    source = (
        "context c\ncontext d\n" + PAIR + "pattern Q = SEQ(P as p, C)\n"
        "stream S = Q .context(c) .emit(n: p.a_n)\n"
        "stream T = merge(P, D) .context(d) .emit(m: a_n)\n"
    )
    before, after = compile_program(source), compile_program(source)
    try:
        feed(before, MATCHES[0])
        assert "S" in after.restore(before.checkpoint()).kept
        got = feed(after, *MATCHES[1:])
    finally:
        before.close()
        after.close()
    assert got == [{"event_type": "T", "m": 1}, {"event_type": "S", "n": 1}]
