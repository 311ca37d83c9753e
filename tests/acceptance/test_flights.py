"""Real departures, against counts made here, line by line, from the same file."""

import csv
import io
import re
import zipfile
from collections import Counter

import pytest

from cluster.demo.flights.records import flights_archive
from tests.acceptance.real_commands import VARPULIS, finished

pytestmark = pytest.mark.process
SAMPLE = 20_000
# Compared row by row in test_example_flights.py.
OVER_TIME = {"DelayCascade": 116, "HourlyDelay": 1218, "RoughHour": 9}


def counted(limit: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    with (
        zipfile.ZipFile(flights_archive()) as zipped,
        zipped.open("flights.csv") as raw,
    ):
        for row, _ in zip(
            csv.DictReader(io.TextIOWrapper(raw)), range(limit), strict=False
        ):
            gone = row["dep_time"] not in {"", "NA"}
            late = int(row["dep_delay"]) if gone else 0
            landed = row["air_time"] not in {"", "NA"}
            counts["LateDeparture"] += 60 <= late < 180
            counts["VeryLateDeparture"] += late >= 180
            counts["CancelledFlight"] += not gone
            counts["CancelledLongHaul"] += not gone and int(row["distance"]) >= 1500
            if landed:
                counts["LongAirTime"] += int(row["air_time"]) >= 360
                counts["TimeLost"] += int(row["arr_delay"]) - late >= 45
    return counts


def test_every_output_type_is_found_as_often_as_in_the_table() -> None:
    done = finished([VARPULIS, "demo", "flights", "--limit", str(SAMPLE)])
    assert done.returncode == 0, done.stdout + done.stderr
    found = dict(re.findall(r"^  (\w+) +(\d+)$", done.stdout, re.MULTILINE))
    wanted = counted(SAMPLE)
    numbers = {name: int(number) for name, number in found.items()}
    assert numbers == wanted | OVER_TIME
    assert all(wanted.values())
    for home in (
        "worker-0 (late-",
        "worker-1 (long-",
        "worker-2 (cancelled-",
        "worker-0 (cascades",
        "worker-1 (hourly-",
    ):
        assert home in done.stdout
    assert f"of {SAMPLE} flights" in done.stdout
    assert "flights: 20000 of 20000 (100 %)" in done.stderr
