"""When planes landed: the table has local clock times only, of two time zones."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

_DAY_MIN = 1440
_NEW_YORK_SUMMER = -4  # hours from UTC


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of an airport: hours from UTC in winter, and whether summer differs."""

    winter: int
    has_summer: bool


# The airports of the Caribbean are missing in airports.csv; their clocks never change.
_CARIBBEAN = Clock(-4, has_summer=False)


class Clocks:
    """Knows the clock of every destination."""

    def __init__(self, clocks: Mapping[str, Clock]) -> None:
        self._clocks = clocks

    @classmethod
    def read(cls, path: Path) -> "Clocks":
        """Read `airports.csv`, which lies beside the table of flights."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls({
                row["faa"]: Clock(int(row["tz"]), has_summer=row["dst"] == "A")
                for row in csv.DictReader(file)
            })

    def time_on_the_way(self, row: Mapping[str, str]) -> timedelta:
        """Return the time from gate to gate of a row with both times.

        Both are hhmm on the clock of their place; how far New York is from UTC shows
        in the planned hour, which the table has in both. No flight takes a day.
        """
        new_york = (int(row["hour"]) - int(row["time_hour"][11:13]) + 12) % 24 - 12
        there = self._clocks.get(row["dest"], _CARIBBEAN)
        summer = there.has_summer and new_york == _NEW_YORK_SUMMER
        hours_apart = there.winter + summer - new_york
        minutes = _minutes(row["arr_time"]) - _minutes(row["dep_time"])
        return timedelta(minutes=(minutes - 60 * hours_apart) % _DAY_MIN)


def _minutes(hhmm: str) -> int:
    hours, minutes = divmod(int(hhmm), 100)
    return 60 * hours + minutes
