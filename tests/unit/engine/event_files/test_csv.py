"""CSV with a header: cells as values, quotes, times."""

import pytest

from engine.event_files import BadFileError
from tests.unit.engine.event_files.reading import read, write


def fields_of(tmp_path, cell):
    path = write(tmp_path, "e.csv", f"v,w\n{cell},x\n")
    ((_, _, fields, _),) = read(path, event_type="T")
    assert fields.pop("w") == "x"
    return fields


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("0", 0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("2e3", 2000.0),
        ("9223372036854775808", 9223372036854775808.0),
        ("true", True),
        ("False", False),
        ("text", "text"),
        (" padded ", "padded"),
        ("007", "007"),
        ("1.2.3", "1.2.3"),
        ("1_000", "1_000"),
        ("NaN", "NaN"),
        ("2026-03-01", "2026-03-01"),
        ('"1"', "1"),
        ('"true"', "true"),
        ('""', ""),
        ('"a,b"', "a,b"),
        ('"say ""no"""', 'say "no"'),
        ('"two\nlines"', "two\nlines"),
        ('" kept "', " kept "),
        ("né", "né"),
    ],
)
def test_cells_as_values(tmp_path, cell, value):
    found = fields_of(tmp_path, cell)["v"]
    assert found == value
    assert type(found) is type(value)


def test_an_empty_cell_is_no_field(tmp_path):
    assert fields_of(tmp_path, "") == {}


def test_places_are_lines_also_after_a_cell_of_two_lines(tmp_path):
    path = write(tmp_path, "e.csv", 'v\n"a\nb"\n\nc\n')
    assert [place for place, *_ in read(path, event_type="T")] == [2, 5]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path, sign):
    path = write(tmp_path, "e.csv", f"a{sign}b\n1{sign}2\n")
    assert read(path, event_type="T")[0][2] == {"a": 1, "b": 2}


def test_a_column_timestamp_is_the_envelope_if_it_reads_as_one(tmp_path):
    text = "timestamp,v\n1000,1\n1970-01-01T00:00:02Z,2\n,3\nnoon,4\n"
    found = read(write(tmp_path, "e.csv", text), event_type="T")
    assert [ms for *_, ms in found] == [1000, 2000, 2001, 2002]
    assert [fields for *_, fields, _ in found] == [
        {"v": 1},
        {"v": 2},
        {"v": 3},
        {"timestamp": "noon", "v": 4},
    ]


def test_a_time_field_stays_a_field(tmp_path):
    path = write(tmp_path, "e.csv", "at,v\n1970-01-01 00:01:00,1\n")
    ((_, _, fields, ms),) = read(path, event_type="T", time_field="at")
    assert (ms, fields["at"]) == (60_000, "1970-01-01 00:01:00")


def test_a_column_names_the_type_and_the_options_fill_in(tmp_path):
    path = write(tmp_path, "e.csv", "event_type,v\nA,1\n,2\n")
    assert [kind for _, kind, *_ in read(path, event_type="T")] == ["A", "T"]


def test_without_any_type_it_says_what_to_do(tmp_path):
    path = write(tmp_path, "e.csv", "v\n1\n")
    with pytest.raises(BadFileError, match="give the type of its events by --type"):
        read(path)
