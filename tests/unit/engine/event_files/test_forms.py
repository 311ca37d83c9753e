"""Every form of event file gives the same events."""

import io
import json
import sys

import pytest

from engine.event_files import BadFileError, EventFileError, open_event_file
from engine.event_files import raw as raw_module
from tests.unit.engine.event_files.reading import block_events, read, write

FLAT = [{"event_type": "X", "v": 1}, {"event_type": "Y", "v": "a"}]
WANTED = [("X", {"v": 1}), ("Y", {"v": "a"})]
FORMS = {
    "e.evt": "# two\nX { v: 1 }\nY { v: a }\n",
    "e.jsonl": "".join(json.dumps(event) + "\n" for event in FLAT),
    "e.ndjson": "\n".join(json.dumps(event) for event in FLAT),
    "array.json": json.dumps(FLAT, indent=2),
    "events.json": json.dumps({"source": "x", "events": FLAT}, indent=2),
    "lines.json": "\n".join(json.dumps(event) for event in FLAT),
    "e.csv": 'event_type,v\nX,1\nY,"a"\n',
    "e.tsv": "event_type\tv\nX\t1\nY\ta\n",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_events(tmp_path, name, packed):
    path = write(tmp_path, name, FORMS[name], packed=packed)
    assert [(kind, fields) for _, kind, fields, _ in read(path)] == WANTED


@pytest.mark.parametrize("name", FORMS)
def test_the_name_may_say_that_it_is_gzip(tmp_path, name):
    path = write(tmp_path, f"{name}.gz", FORMS[name], packed=True)
    assert len(read(path)) == 2


@pytest.mark.parametrize("name", FORMS)
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path, name):
    text = "\ufeff" + FORMS[name].replace("\n", "\r\n")
    path = write(tmp_path, name, text)
    assert [(kind, fields) for _, kind, fields, _ in read(path)] == WANTED


@pytest.mark.parametrize("name", ["e.evt", "e.jsonl", "array.json", "e.csv"])
def test_standard_input_is_read_like_a_file(monkeypatch, name):
    stream = io.TextIOWrapper(io.BytesIO(FORMS[name].encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    form = "csv" if name == "e.csv" else None
    assert len(read("-", form=form)) == 2


@pytest.mark.parametrize("name", FORMS)
def test_an_empty_file_has_no_events(tmp_path, name):
    texts = {"e.csv": "event_type,v\n", "e.tsv": "event_type\n", "array.json": "[]"}
    texts["events.json"] = '{"events":[]}'
    assert read(write(tmp_path, name, texts.get(name, "\n"))) == []


def test_undated_events_follow_each_other_by_1_ms(tmp_path):
    lines = [
        {"event_type": "X"},
        {"event_type": "X", "timestamp": 50},
        {"event_type": "X", "data": {}},
        {"event_type": "X", "timestamp": "1970-01-01T00:00:02Z"},
        {"event_type": "X", "timestamp": "some day"},
    ]
    text = "\n".join(map(json.dumps, lines))
    found = read(write(tmp_path, "e.jsonl", text), start_ns=7_000_000)
    assert [ms for *_, ms in found] == [7, 50, 51, 2000, 2001]
    assert found[-1][2] == {"timestamp": "some day"}


def test_dated_lines_are_handed_on_as_they_are(tmp_path):
    lines = [f'{{"event_type":"X","timestamp":{at}}}' for at in (5, 3)]
    undated = '{"event_type":"X"}'
    path = write(tmp_path, "e.jsonl", "\n\n".join(lines) + "\n")
    with open_event_file(path) as events:
        (block,) = events.blocks()
    assert block.payload == "\n\n".join(lines).encode() + b"\n"
    assert list(block.places) == [1, 3]
    path = write(tmp_path, "f.json", f"[{','.join(lines)},{undated}]")
    assert [ms for *_, ms in read(path)] == [5, 3, 4]


def test_large_files_come_in_blocks_with_their_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_module, "CHUNK_BYTES", 1000)
    text = "".join(
        f'{{"event_type":"X","timestamp":{at},"v":{at}}}\n' for at in range(1, 501)
    )
    path = write(tmp_path, "e.jsonl", text)
    with open_event_file(path) as events:
        blocks = list(events.blocks())
        assert events.position == events.size == len(text)
    assert len(blocks) > 10
    found = [event for block in blocks for event in block_events(block)]
    assert all(place == fields["v"] for place, _, fields, _ in found)
    assert len(found) == 500


def test_a_type_may_be_given_for_events_that_name_none(tmp_path):
    path = write(tmp_path, "e.jsonl", '{"v":1}\n{"event_type":"Y"}\n')
    assert [kind for _, kind, *_ in read(path, event_type="X")] == ["X", "Y"]


def test_a_member_type_names_a_type_the_program_takes(tmp_path):
    path = write(tmp_path, "e.jsonl", '{"type":"X","v":1}')
    types = frozenset({"X"})
    assert [event[1:3] for event in read(path, types=types)] == [("X", {"v": 1})]
    with pytest.raises(EventFileError, match=r"e\.jsonl:1: .*--type"):
        read(path)


@pytest.mark.parametrize(
    ("value", "unit", "ms"),
    [
        ("2000", "ms", 2000),
        ("2", "s", 2000),
        ("2.5", "s", 2500),
        ("2000000", "us", 2000),
        ("2000000000", "ns", 2000),
        ('"1970-01-01 00:00:02"', "ms", 2000),
        ("null", "ms", 0),
    ],
)
def test_a_field_may_hold_the_time(tmp_path, value, unit, ms):
    path = write(tmp_path, "e.jsonl", f'{{"event_type":"X","at":{value}}}')
    (event,) = read(path, time_field="at", time_unit=unit)
    assert event[3] == ms


def test_the_envelope_is_older_than_the_time_field(tmp_path):
    path = write(tmp_path, "e.jsonl", '{"event_type":"X","at":9,"timestamp":5}')
    assert read(path, time_field="at")[0][3] == 5


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("e.jsonl", '{"event_type":"X"}\n\n{no}\n', "e.jsonl:3: no valid JSON"),
        ("e.jsonl", "[1]\n", "e.jsonl:1: "),
        ("e.jsonl", '{"event_type":"X","at":"x"}', "e.jsonl:1: field 'at' is no time"),
        ("e.json", '[{"event_type":"X"},\n{"no":1}]', "e.json:event 2: event_type"),
        ("e.json", '[\n{"event_type":"X"},\n', "e.json:3: no valid JSON"),
        ("e.json", '{\n"events": 3, x\n}', "e.json:2: no valid JSON"),
        ("e.evt", "X\n\nX {\n", "e.evt:3: "),
        ("e.evt", b"X\nX { v: \xff }", "e.evt:2: not UTF-8"),
        ("e.csv", "event_type,v\nX,1\nX,1,2\n", "e.csv:3: 3 cells where the header"),
        ("e.csv", "event_type,v\n\nX,1\n,2\n", "e.csv:4: the cell of 'event_type'"),
        ("e.csv", 'event_type,v\nX,"open\n', "e.csv:2: a quoted cell"),
        ("e.csv", 'event_type,v\nX,"a"b\n', "e.csv:2: text after the closing quote"),
        ("e.csv", 'event_type,v\nX"1,"2\n', "e.csv:2: a quoted cell"),
        ("e.csv", '"event_type"x,v\n', "e.csv:1: text after the closing quote"),
        ("e.csv", "event_type,v,v\n", "e.csv:1: the header has 'v' twice"),
        ("e.csv", "event_type,\n", "e.csv:1: column 2 of the header has no name"),
    ],
)
def test_what_is_no_event_is_named_with_its_place(
    tmp_path, monkeypatch, name, text, message
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, name, text)
    with pytest.raises(EventFileError) as caught:
        read(name, time_field="at")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.jsonl", '{"event_type":"A"}\n{\n{"event_type":"B"}'),
        ("e.json", '[{"event_type":"A"},3,{"event_type":"B"}]'),
        ("e.evt", "A\nA {\nB"),
        ("e.csv", "event_type\nA\nA,2\nB\n"),
    ],
)
def test_bad_events_are_left_out_where_somebody_takes_them(tmp_path, name, text):
    path, bad = write(tmp_path, name, text), []
    assert [kind for _, kind, *_ in read(path, on_bad=bad.append)] == ["A", "B"]
    assert len(bad) == 1
    seen = []

    def read_on(events):
        for block in events.blocks():
            seen.extend(block_events(block))

    with open_event_file(path) as events, pytest.raises(EventFileError):
        read_on(events)
    assert [kind for _, kind, *_ in seen] == ["A"]


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_module, "MAX_LINE_BYTES", 1000)
    for name in ("e.jsonl", "e.evt"):
        path = write(tmp_path, name, "X\n" + "x" * 300_000)
        with pytest.raises(EventFileError, match="longer than"):
            read(path, on_bad=lambda _bad: None)


def test_a_file_that_is_not_there_or_damaged_cannot_be_read(tmp_path):
    with pytest.raises(BadFileError, match=r"cannot read .*no\.evt: No such file"):
        read(str(tmp_path / "no.evt"))
    with pytest.raises(BadFileError, match="cannot read"):
        read(str(tmp_path))
    for cut in (12, 40):
        path = write(tmp_path, "e.evt.gz", FORMS["e.evt"] * 50, packed=True)
        damaged = tmp_path / "cut.evt.gz"
        damaged.write_bytes((tmp_path / "e.evt.gz").read_bytes()[:cut])
        assert len(read(path)) == 100
        with pytest.raises(BadFileError, match=r"cut\.evt\.gz"):
            read(str(damaged))
