"""Events of files as JSON lines for another process."""

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.event_files import (
    BadFileError,
    EventFileError,
    ReadOptions,
    open_event_file,
)
from engine.event_files.array_cutter import ArrayCutter
from engine.line_cutter import MAX_LINE_BYTES
from tests.unit.engine.event_files.reading import write

EVENTS = [{"event_type": "X", "fields": {"v": v, "t": "}, {"}} for v in range(5)]
LINES = "".join(json.dumps(event) + "\n" for event in EVENTS)


def sent(path, **options):
    """Return `(place, event)` of every event that would be sent."""
    with open_event_file(path, ReadOptions(**options)) as events:
        return [
            (place, json.loads(line))
            for block in events.to_send()
            for place, line in block.payloads()
        ]


@pytest.mark.parametrize("packed", [False, True])
def test_lines_go_out_as_they_are_with_their_numbers(tmp_path, packed):
    path = write(tmp_path, "a.ndjson", "\n" + LINES + "  \n{no json\n", packed=packed)
    with open_event_file(path) as events:
        blocks = list(events.to_send())
    text = b"\n".join(block.payload for block in blocks)
    assert text == LINES.encode() + b"{no json"
    assert [place for block in blocks for place in block.places] == [2, 3, 4, 5, 6, 8]


def test_undated_lines_stay_undated(tmp_path):
    path = write(tmp_path, "a.ndjson", LINES)
    assert sent(path) == list(enumerate(EVENTS, start=1))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("around", ["{}", '{{"events": {}}}', ' {{ "events" : {} }} '])
def test_elements_of_an_array_go_out_with_their_numbers(tmp_path, around, indent):
    text = around.format(json.dumps(EVENTS, indent=indent))
    assert sent(write(tmp_path, "a.json", text)) == list(enumerate(EVENTS, start=1))


def test_one_object_is_one_event(tmp_path):
    path = write(tmp_path, "a.json", json.dumps(EVENTS[0], indent=1))
    assert sent(path) == [(1, EVENTS[0])]


@pytest.mark.parametrize("text", ["[", '[{"a": 1}', '[{"a": 1}, }', '{"events": 7}x'])
def test_an_array_without_an_end_is_refused(tmp_path, text):
    with pytest.raises(EventFileError, match="no valid JSON"):
        sent(write(tmp_path, "a.json", text))


def test_other_forms_are_dated_from_the_start(tmp_path):
    path = write(tmp_path, "a.evt", "@2s X { d: 5s }\nX(1)\n")
    (_, first), (place, second) = sent(path, start_ns=10**9)
    assert first == {"event_type": "X", "fields": {"d": "5s"}, "timestamp": 3000}
    assert (place, second["timestamp"]) == (2, 3001)


def test_bad_lines_of_other_forms_are_reported(tmp_path):
    bad = []
    path = write(tmp_path, "a.evt", "X { v: 1 }\nX {\nX { v: 2 }\n")
    found = sent(path, on_bad=lambda error: bad.append(error.place))
    assert [place for place, _ in found] == [1, 3]
    assert bad == ["2"]


def test_lines_that_are_too_long_are_reported_and_never_held(tmp_path):
    bad = []
    path = tmp_path / "a.ndjson.gz"
    with gzip.open(path, "wb") as out:
        out.write(LINES.encode())
        for _ in range(40):
            out.write(b"x" * (MAX_LINE_BYTES // 2))
        out.write(b"\n" + LINES.encode())
    found = sent(str(path), on_bad=lambda error: bad.append(error.place))
    assert bad == ["6"]
    assert [place for place, _ in found] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]


def test_what_is_damaged_raises(tmp_path):
    whole = gzip.compress(LINES.encode() * 100)
    path = write(tmp_path, "a.ndjson", whole[: len(whole) // 2])
    with pytest.raises(BadFileError):
        sent(path)


class Trickle(io.RawIOBase):
    """Standard input whose lines come one after the other."""

    def __init__(self, lines):
        self.waiting = list(lines)

    def readable(self):
        return True

    def readinto(self, buffer):
        line = self.waiting.pop(0) if self.waiting else b""
        buffer[: len(line)] = line
        return len(line)


def test_lines_of_a_stream_go_out_when_they_come(monkeypatch):
    source = Trickle(LINES.encode().splitlines(keepends=True))

    class Stdin:
        buffer = io.BufferedReader(source)

    monkeypatch.setattr("sys.stdin", Stdin)
    with open_event_file("-") as events:
        first = next(events.to_send())
    assert json.loads(first.payload) == EVENTS[0]
    assert len(source.waiting) >= 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('{}[],"\\ aé', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('{},"a', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.lists(json_values, max_size=12),
    st.integers(1, 40),
    st.integers(1, 20),
    st.booleans(),
)
def test_an_array_is_cut_into_what_it_holds(values, cut_bytes, step, is_member):
    text = json.dumps(values, ensure_ascii=False)
    data = (f'{{"events": {text}}}' if is_member else text).encode()
    cutter = ArrayCutter(max(cut_bytes, 20))
    found = []
    for start in range(0, len(data), step):
        found += cutter.feed(data[start : start + step])
    found += cutter.rest()
    assert [json.loads(bytes(raw)) for raw in found] == values
