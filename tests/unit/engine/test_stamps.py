"""Timestamps of batches and of single events against the one general reading."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Event, compile_program
from engine.runtime.stamps import FEWEST, envelope_stamps
from engine.runtime.times import envelope_ns, parse_instant

DATES = st.one_of(
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d").rjust(10, "0")),
    st.sampled_from(["2026-02-29", "2024-02-29", "2026-13-01", "2026-00-10"]),
    st.sampled_from(["0000-01-01", "2262-04-11", "1677-09-21", "2026-04-31"]),
)
CLOCKS = st.one_of(
    st.times().map(lambda moment: moment.strftime("%H:%M:%S")),
    st.sampled_from(["24:00:00", "23:60:00", "23:59:60", "29:00:00", "00:00:00"]),
)
FRACTIONS = st.one_of(
    st.just(""), st.from_regex(r"[.,][0-9]{1,12}", fullmatch=True), st.just(".")
)
OFFSETS = st.sampled_from(["Z", "z", "+05:30", "-0100", "-99:99", "+01", "", "+1:00"])
STAMPS = st.builds(
    lambda date, mark, clock, rest, offset: f"{date}{mark}{clock}{rest}{offset}",
    DATES,
    st.sampled_from("TTTt _"),
    CLOCKS,
    FRACTIONS,
    OFFSETS,
)
ODD = st.sampled_from([None, True, 1.5, "", "x", "2026-03-01", 10**18, "٢" * 20, [1]])


def general(value: Any) -> int | None:
    """Return the timestamp without any short cut."""
    if isinstance(value, str):
        return parse_instant(value, needs_offset=True)
    return envelope_ns(value)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(STAMPS, ODD))
def test_single_timestamps_are_read_as_the_reference_says(value: Any) -> None:
    assert envelope_ns(value) == general(value)


@st.composite
def alike(draw: st.DrawFn) -> list[Any]:
    """Draw timestamps that mostly have one form, with a stray one now and then."""
    mark, offset = draw(st.sampled_from("Tt ")), draw(OFFSETS)
    places = draw(st.integers(0, 11))
    one_date = draw(st.booleans())
    date = draw(DATES)
    texts: list[Any] = []
    for _ in range(draw(st.integers(FEWEST, FEWEST + 4))):
        fraction = "." + str(draw(st.integers(0, 10**places - 1))).zfill(places)
        day = date if one_date else draw(DATES)
        texts.append(f"{day}{mark}{draw(CLOCKS)}{fraction if places else ''}{offset}")
    for _ in range(draw(st.integers(0, 1))):
        texts[draw(st.integers(0, len(texts) - 1))] = draw(st.one_of(STAMPS, ODD))
    return texts


@settings(max_examples=600, deadline=None)
@given(alike())
def test_timestamps_of_a_batch_are_those_of_its_events(values: list[Any]) -> None:
    assert envelope_stamps(values) == [general(value) for value in values]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(), st.booleans()), min_size=FEWEST))
def test_epoch_milliseconds_of_a_batch_are_those_of_its_events(
    values: list[Any],
) -> None:
    assert envelope_stamps(values) == [general(value) for value in values]


def test_a_line_feed_in_a_text_moves_no_boundary() -> None:
    stamp = "2026-03-01T08:30:00Z"
    values = [f"{stamp}\n{stamp}", "", *[stamp] * FEWEST]
    assert envelope_stamps(values) == [general(value) for value in values]


def test_nanoseconds_are_kept_exactly() -> None:
    texts = [f"2261-12-31T23:59:59.{at:09d}Z" for at in range(999_999_980, 10**9)]
    assert envelope_stamps(texts) == [general(text) for text in texts]


class Still:
    """A clock that stands still."""

    def now_ns(self) -> int:
        """Return the present instant, in ns."""
        return 1_000_000_000


def test_events_get_one_timestamp_by_every_way_in() -> None:
    """A timestamp that is none is a field of a flat payload, and time is arrival."""
    source = "stream S = A .emit(ts: epoch_ms(timestamp), field: timestamp is str)"
    stamps = ['"2026-03-01T08:30:00.25Z"', "5000", '"soon"', "null", "true"]
    stamps += ['"2026-03-01T08:30:00"']
    for form in (
        '{"event_type":"A","timestamp":%s}',
        '{"event_type":"A","timestamp":%s,"fields":{}}',
    ):
        pipeline = compile_program(source, clock=Still())
        for stamp in stamps * 2:
            payload = (form % stamp).encode()
            batch = pipeline.inject_batch(payload).outputs
            many = pipeline.inject_batch(b"\n".join([payload] * FEWEST)).outputs
            single = json.loads(pipeline.process(payload))["output_events"]
            assert batch == single
            assert many == single * FEWEST


def test_the_quick_way_in_dates_events() -> None:
    pipeline = compile_program("stream S = A .emit(at: epoch_ms(timestamp))")
    pipeline.inject(Event("A", {}, 0))
    for payload in (
        b'{"event_type":"A","timestamp":"1970-01-01T00:00:01Z"}',
        b'{"event_type":"A","timestamp":1000,"fields":{}}',
        b'{"event_type":"A","timestamp":1000,"data":{}}',
    ):
        reply = json.loads(pipeline.process(payload))
        assert reply["output_events"] == [{"event_type": "S", "at": 1000}]
