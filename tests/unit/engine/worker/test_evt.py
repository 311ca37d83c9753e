"""Event files, line by line (vpl.md 17.1)."""

import pytest

from engine.evt import BadLineError, EvtReader, as_payload
from engine.wire import parse_event

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
    ],
)
def test_values(text, value):
    found = one(f"X {{ v: {text} }}").fields["v"]
    assert found == value
    assert type(found) is type(value)


def test_positional_values_take_the_names_of_declared_events():
    declared = {"Scan": ("parcel", "dock")}
    assert one("Scan(p1, 4, 9)", declared=declared).fields == {
        "parcel": "p1",
        "dock": 4,
        "field_2": 9,
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
    ],
)
def test_a_bad_line_is_named(line):
    with pytest.raises(BadLineError, match="line 2: "):
        read(f"# first\n{line}")
