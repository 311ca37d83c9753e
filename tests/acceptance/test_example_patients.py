"""What the glucose program finds, against the same table read here."""

import csv
import gzip
import importlib.util
import json
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_commands import EXAMPLES, VARPULIS, environment, finished

pytestmark = pytest.mark.process
PATIENTS = EXAMPLES / "patients"
MINUTES_15, MINUTES_20, MINUTES_30 = (timedelta(minutes=m) for m in (15, 20, 30))

Readings = list[tuple[datetime, int]]
Outputs = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def readings() -> Readings:
    found = importlib.util.find_spec("bokeh_sampledata")
    assert found is not None, "run 'make setup-dev'"
    assert found.origin is not None
    table = Path(found.origin).with_name("_data") / "CGM.csv.gz"
    with gzip.open(table, "rt") as file:
        return [
            (datetime.fromisoformat(row["datetime"]), int(row["glucose"]))
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    events = tmp_path_factory.mktemp("patients") / "readings.jsonl"
    with events.open("wb") as file:
        subprocess.run(
            [sys.executable, PATIENTS / "extract.py"],
            stdout=file,
            env=environment(),
            check=True,
        )
    program = PATIENTS / "glucose.vpl"
    done = finished([VARPULIS, "simulate", "--flush", "-p", program, "-e", events])
    assert done.returncode == 0, done.stderr
    by_type: Outputs = defaultdict(list)
    for line in done.stdout.splitlines():
        output = json.loads(line)
        by_type[output["event_type"]].append(output)
    return by_type


def text(at: datetime) -> str:
    return f"{at.isoformat()}Z"


def blocks(lows: Readings, gap: timedelta) -> list[Readings]:
    """Split readings where the next comes later than the gap."""
    found: list[Readings] = []
    for reading in lows:
        if found and reading[0] - found[-1][-1][0] <= gap:
            found[-1].append(reading)
        else:
            found.append([reading])
    return found


def test_every_silence_of_the_sensor_is_found(
    readings: Readings, outputs: Outputs
) -> None:
    silent = [a for a, b in pairwise(readings) if b[0] - a[0] > MINUTES_20]
    wanted = [(text(at), glucose) for at, glucose in [*silent, readings[-1]]]
    told = [(o["since"], o["last_glucose"]) for o in outputs["SensorSilent"]]
    assert told == wanted
    assert len(told) == 152


def test_a_low_is_alerted_when_it_has_lasted_half_an_hour_and_then_after_two_hours(
    readings: Readings, outputs: Outputs
) -> None:
    unbroken: Readings = []
    wanted: list[tuple[datetime, datetime, int]] = []
    for at, glucose in readings:
        if glucose >= 70:
            unbroken = []
            continue
        if unbroken and at - unbroken[-1][0] > MINUTES_20:
            unbroken = []
        before = unbroken[-1][0] if unbroken else at
        unbroken.append((at, glucose))
        # Starts that are half an hour ago now, and were not at the reading before.
        ripe = [s for s, _ in unbroken if before - s < MINUTES_30 <= at - s]
        if ripe and (not wanted or at - wanted[-1][1] > timedelta(hours=2)):
            wanted.append((ripe[0], at, glucose))
    told = [(o["since"], o["at"], o["glucose"]) for o in outputs["LowAlert"]]
    assert told == [(text(since), text(at), glucose) for since, at, glucose in wanted]
    assert len(told) == 83


def test_every_long_episode_of_lows_is_found(
    readings: Readings, outputs: Outputs
) -> None:
    wanted = [
        (
            text(each[0][0]),
            (each[-1][0] - each[0][0]) // timedelta(minutes=1),
            len(each),
            min(glucose for _, glucose in each),
        )
        for each in blocks([r for r in readings if r[1] < 70], MINUTES_15)
        if each[-1][0] - each[0][0] >= MINUTES_30
    ]
    told = [
        (o["began"], o["minutes"], o["readings"], o["lowest"])
        for o in outputs["LowEpisode"]
    ]
    assert told == wanted
    assert len(told) == 87


def test_every_day_is_summed_up(readings: Readings, outputs: Outputs) -> None:
    days: dict[str, list[int]] = defaultdict(list)
    for at, glucose in readings:
        days[str(at.date())].append(glucose)
    assert [o["day"] for o in outputs["Day"]] == list(days)
    assert len(days) == 200
    for out in outputs["Day"]:
        values = days[out["day"]]
        in_range = sum(70 <= value <= 180 for value in values)
        assert out["readings"] == len(values)
        assert (out["lowest"], out["highest"]) == (min(values), max(values))
        assert out["mean"] == pytest.approx(statistics.fmean(values), abs=0.051)
        spread = statistics.stdev(values)
        assert out["deviation"] == pytest.approx(spread, abs=0.051)
        share = 100 * in_range / len(values)
        assert out["percent_in_range"] == pytest.approx(share, abs=0.051)


def test_the_script_writes_the_first_days_only() -> None:
    done = finished([sys.executable, PATIENTS / "extract.py", "--days", "2"])
    days = Counter(
        json.loads(line)["timestamp"][:10] for line in done.stdout.split("\n")[:-1]
    )
    assert list(days) == ["2010-03-24", "2010-03-25", "2010-03-26"]
    assert days["2010-03-25"] == 288
