"""Event files, line by line (vpl.md 17.1)."""

import pytest

from engine.evt import BadLineError, EvtReader, as_payload, declared_fields
from engine.runtime.values import Duration, Timestamp
from engine.wire import parse_event
from vpl import parse

MS = 1_000_000


def read(text, **options):
    return list(EvtReader(**options).read(text.splitlines()))


def one(text, **options):
    (event,) = read(text, **options)
    return event


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        ("1_000", 1000),
        ("2.5e-3", 0.0025),
        ("true", True),
        ("false", False),
        ("null", None),
        ("nil", None),
        ('"a\\"b\\u00e9"', 'a"b\u00e9'),
        ("'single'", "single"),
        ('"\\ud83d\\ude00é"', "\U0001f600é"),
        ("bare-word.x", "bare-word.x"),
        ("[1, [2], {a: 3}]", [1, [2], {"a": 3}]),
        ("{a: {b: []}}", {"a": {"b": []}}),
        ("0xff", 255),
        ("-0x10", -16),
        ("1h30m", Duration(5_400_000_000_000)),
        ("-1.5s", Duration(-1_500_000_000)),
        ("@2026-03-01", Timestamp(1_772_323_200_000_000_000)),
        ("@1970-01-01T00:00:01.5+00:00", Timestamp(1_500_000_000)),
        ("[5m, nil]", [Duration(300_000_000_000), None]),
        ("höhe", "höhe"),
    ],
)
def test_values(text, value):
    found = one(f"X {{ v: {text} }}").fields.get("v")
    assert found == value
    assert type(found) is type(value)


def test_positional_values_take_the_names_of_declared_events():
    declared = {"Scan": ("parcel", "dock")}
    assert one("Scan(p1, 4, 9)", declared=declared).fields == {
        "parcel": "p1",
        "dock": 4,
        "field_2": 9,
    }


def test_the_fields_of_a_base_come_first():
    source = "event A:\n  x: int\n  y: int\nevent B extends A:\n  z: int\n  x: str\n"
    assert declared_fields(parse(source).program) == {
        "A": ["x", "y"],
        "B": ["x", "y", "z"],
    }


def test_an_event_needs_no_fields():
    assert one("Tick").fields == {}
    assert one("Tick {} # nothing").fields == {}


def test_names_may_be_quoted():
    assert one('X { `user-id`: 1, "a b": 2 }').fields == {"user-id": 1, "a b": 2}


def test_offsets_date_one_line_and_the_next_follows_by_1_ms():
    found = read("@10s A\nB\n@1m30s C\n@250 D\n@1970-01-01T00:00:02Z E\nF")
    assert [event.timestamp // MS for event in found] == [
        10_000,
        10_001,
        90_000,
        250,
        2_000,
        2_001,
    ]


def test_the_first_event_is_at_the_start():
    assert one("A", start_ns=5 * MS).timestamp == 5 * MS
    assert one("@10 A", start_ns=5 * MS).timestamp == 15 * MS


def test_batch_dates_the_following_lines():
    found = read("BATCH 100\nA\nB\n@7 C\nBATCH 200\nD")
    assert [event.timestamp // MS for event in found] == [100, 100, 7, 200]


def test_json_lines_are_events_like_others():
    stamped = '{"event_type": "X", "data": {"a": 1}, "timestamp": 70}'
    found = read(f'{{"event_type": "X", "b": 2}}\n{stamped}\nY')
    assert [event.fields for event in found] == [{"b": 2}, {"a": 1}, {}]
    assert [event.timestamp // MS for event in found] == [0, 70, 71]


def test_offsets_are_exact_and_survive_as_payload():
    (event,) = read("@1.1s250ns A")
    assert event.timestamp == 1_100_000_250
    assert parse_event(as_payload(event)).timestamp == event.timestamp


def test_a_time_beyond_64_bits_is_no_time():
    with pytest.raises(BadLineError, match=r"line 2: .*too far away"):
        read("BATCH " + "9" * 30 + "\nX")


def test_values_without_json_become_texts_that_declared_fields_read():
    payload = as_payload(one("X { d: 90s, t: @1970-01-01 }"))
    fields = {"d": "1m30s", "t": "1970-01-01T00:00:00Z"}
    assert parse_event(payload).fields == fields


def test_a_tab_may_follow_an_offset_and_a_comment_anything():
    found = read("@10\tA; # one\nBATCH 20 // two\nB(1, 2,) // three")
    assert [event.timestamp // MS for event in found] == [10, 20]


def test_a_json_line_may_name_its_type_as_type():
    types = frozenset({"X"})
    event = one('{"type": "X", "v": 1}', types=types)
    assert (event.event_type, event.fields) == ("X", {"v": 1})
    with pytest.raises(BadLineError):
        read('{"type": "Y", "v": 1}', types=types)


def test_bad_lines_are_handed_over_where_somebody_takes_them():
    bad = []
    found = read("A\nX {\n{\nB", on_bad=bad.append)
    assert [event.event_type for event in found] == ["A", "B"]
    assert [error.number for error in bad] == [2, 3]


@pytest.mark.parametrize(
    "line",
    [
        "X { v: }",
        "X { v: 1",
        "X { : 1 }",
        "X(1",
        "7",
        "X { v: 1 } Y",
        "@soon X",
        'X { v: "open }',
        "X { v: 9223372036854775808 }",
        'X { v: "\\q" }',
        "X { v: 5. }",
        "X" + "{a:" * 40,
        "@10s",
        "@999999999999999999d X",
        '{"event_type": 5}',
        '{"a"',
        'X { v: "\\ud800" }',
        "X { v: 30m1h }",
        "X { v: 5x }",
        "X { v: 10.0.0.1 }",
        "X { v: @noon }",
        "X { v: @2026-13-01 }",
        "X { v: 0xg }",
        "X { v: 1e999 }",
        "X { v: " + "9" * 5000 + " }",
        "@ X",
        "BATCH x",
    ],
)
def test_a_bad_line_is_named(line):
    with pytest.raises(BadLineError, match="line 2: "):
        read(f"# first\n{line}")
