"""Programs that may be split give the same outputs, event by event, when they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Event, compile_program
from engine.simulation.shares import share_of
from engine.simulation.splitting import hindrance
from vpl import check

MS = 1_000_000
TEXT = """\
stream S = X .where(v > 1) .emit(k, v)
stream T = S .partition_by(k).limit(2) .emit(k, v)
---
stream S = X .partition_by(k).aggregate(n: count(), d: median(v)) .emit(k, n, d)
---
stream S = X .partition_by(k).window(3).aggregate(n: max(v)) .emit(k, n)
---
stream S = X .partition_by(k).window(3, sliding: 1).collect() .emit(count)
---
stream S = X .partition_by(k).distinct(v) .emit(k, v)
---
stream S = X as a -> Y where v > a.v as b .within(20ms).partition_by(k)
    .emit(k: a.k, from: a.v, to: b.v)
stream T = S .partition_by(k).first() .emit(k, to)
---
stream S = X as a -> all X where v > a.v as b .within(20ms).not(Y).partition_by(k)
    .emit(k: a.k, n: len(b))
---
pattern P = SEQ(X as a, NOT Y, X as b) within 30ms partition by k
stream S = P .emit(k: a.k, a: a.v, b: b.v)
---
stream S = merge(X, Y) .partition_by(k).order_by(v).limit(1) .emit(k, v)
"""
PROGRAMS = TEXT.split("---\n")
KEYS = st.sampled_from([None, 1, 1.0, 2, True, "a", "b", [1], {"m": 1}])
EVENTS = st.lists(
    st.tuples(st.sampled_from("XY"), KEYS, st.integers(0, 4), st.integers(0, 15)),
    min_size=10,
    max_size=60,
)


def as_events(drawn):
    """Return events in order of time."""
    now, found = 0, []
    for kind, key, value, later_ms in drawn:
        now += later_ms * MS
        found.append(Event(kind, {"k": key, "v": value}, now))
    return found


@pytest.fixture(scope="module", autouse=True)
def _deep_enough():
    """Let Python go as deep as pipelines need before examples are drawn."""
    compile_program(PROGRAMS[0])


@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=10, deadline=None)
@given(drawn=EVENTS)
def test_shares_give_what_one_pipeline_gives(program, drawn):
    assert hindrance(check(program).program, "k") is None
    alone = compile_program(program)
    shares = [compile_program(program) for _ in range(2)]
    for event in as_events(drawn):
        share = shares[share_of(event.fields["k"], len(shares))]
        wanted = alone.inject(event).outputs
        assert share.inject(event).outputs == wanted, event
