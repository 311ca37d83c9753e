"""Cascades and hourly delays, row by row, against the table read here."""

import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cluster.demo.flights.records import flights_archive
from tests.acceptance.real_commands import EXAMPLES, VARPULIS, environment, finished

pytestmark = pytest.mark.process
SAMPLE = 20_000
PUERTO_RICO = "America/Puerto_Rico"


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flights") / "flights.jsonl.gz"
    script = EXAMPLES / "flights" / "extract.py"
    done = subprocess.run(
        [sys.executable, script, "--flights", str(SAMPLE)],
        capture_output=True,
        env=environment(),
        check=True,
    )
    path.write_bytes(gzip.compress(done.stdout, 1))
    return path


def outputs(program: str, events: Path) -> list[dict[str, Any]]:
    path = EXAMPLES / "flights" / program
    done = finished([VARPULIS, "simulate", "-p", path, "-e", events])
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows() -> Iterator[dict[str, str]]:
    with (
        zipfile.ZipFile(flights_archive()) as zipped,
        zipped.open("flights.csv") as raw,
    ):
        for row, _ in zip(
            csv.DictReader(io.TextIOWrapper(raw)), range(SAMPLE), strict=False
        ):
            yield row


def on_clock(row: dict[str, str], hhmm: str, zone: str) -> datetime:
    day = datetime(int(row["year"]), int(row["month"]), int(row["day"]))
    hours, minutes = divmod(int(hhmm), 100)
    return (day + timedelta(hours=hours, minutes=minutes)).replace(
        tzinfo=ZoneInfo(zone)
    )


def zones() -> dict[str, str]:
    with flights_archive().with_name("airports.csv").open() as file:
        return {row["faa"]: row["tzone"] for row in csv.DictReader(file)}


def plane_moves() -> Iterator[tuple[datetime, bool, str, int, int]]:
    """Yield (when, departs, tail, flight, delay) by the clocks of the places."""
    zone_of = zones()
    for row in rows():
        if row["dep_delay"] == "NA":
            continue
        plan = on_clock(row, row["sched_dep_time"], "America/New_York")
        left = plan.astimezone(UTC) + timedelta(minutes=int(row["dep_delay"]))
        tail, number = row["tailnum"], int(row["flight"])
        yield left, True, tail, number, int(row["dep_delay"])
        if row["arr_delay"] == "NA":
            continue
        zone = zone_of.get(row["dest"], PUERTO_RICO)
        landed = on_clock(row, row["arr_time"], zone).astimezone(UTC)
        while landed < left:
            landed += timedelta(days=1)
        while landed - left >= timedelta(days=1):
            landed -= timedelta(days=1)
        yield landed, False, tail, number, int(row["arr_delay"])


def test_every_delay_that_goes_on_is_found_and_no_other(extract: Path) -> None:
    moves = defaultdict(list)
    for when, departs, tail, number, delay in plane_moves():
        moves[tail].append((when, departs, number, delay))
    wanted = set()
    for tail, each in moves.items():
        each.sort()
        for index, (when, departs, number, delay) in enumerate(each):
            following = next((m for m in each[index + 1 :] if m[1]), None)
            if departs or delay < 30 or following is None or following[3] < 30:
                continue
            if following[0] - when <= timedelta(hours=3):
                minutes = int((following[0] - when).total_seconds()) // 60
                wanted.add((tail, number, delay, following[2], following[3], minutes))
    found = [
        (
            out["tail"],
            out["late_flight"],
            out["arrived_late_min"],
            out["next_flight"],
            out["left_late_min"],
            out["minutes_between"],
        )
        for out in outputs("cascades.vpl", extract)
    ]
    assert len(found) == 116
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_every_hour_of_every_airport_is_told_once(extract: Path) -> None:
    delays: defaultdict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in rows():
        late = None if row["dep_delay"] == "NA" else int(row["dep_delay"])
        delays[row["origin"], row["time_hour"]].append(late)
    told = outputs("hourly_delays.vpl", extract)
    hours = [out for out in told if out["event_type"] == "HourlyDelay"]
    assert len(hours) == len(delays) == 1218
    for out in hours:
        all_of_it = delays.pop((out["origin"], out["hour"]))
        left = [each for each in all_of_it if each is not None]
        assert (out["planned"], out["departed"]) == (len(all_of_it), len(left))
        assert out["cancelled"] == len(all_of_it) - len(left)
        if left:
            mean = sum(left) / len(left)
            assert out["mean_delay"] == pytest.approx(mean, abs=0.0051)
            assert out["worst_delay"] == max(left)
    rough = [out for out in hours if out["departed"] > 9 and out["mean_delay"] >= 60]
    assert len(rough) == 9
    assert [out["hour"] for out in told if out["event_type"] == "RoughHour"] == [
        out["hour"] for out in rough
    ]


def test_the_small_tests_beside_the_examples_pass() -> None:
    done = finished([VARPULIS, "test", EXAMPLES, "--json"])
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["passed"] >= 2


def test_every_program_of_the_examples_is_laid_out() -> None:
    programs = [
        path for path in EXAMPLES.rglob("*.vpl") if "mandelbrot" not in path.parts
    ]
    done = finished([VARPULIS, "format", "--check", *programs])
    assert done.returncode == 0, done.stderr
