"""Guessed passwords in logs, against a search of the same lines made here."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_commands import EXAMPLES, VARPULIS, environment, finished

pytestmark = pytest.mark.process
SSHD = EXAMPLES / "sshd"
REAL_LOG = Path(sys.prefix) / "share" / "fail2ban" / "sshd"
TEN_MINUTES = timedelta(minutes=10)

Attempt = tuple[datetime, str, bool, str, str]  # at, address, accepted, method, user


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    path = tmp_path / "auth.log"
    path.write_text(script("make_log.py", "--seed", "7"))
    return path


@pytest.fixture
def real() -> Path:
    assert REAL_LOG.is_file(), "run 'make setup-dev', which fetches it"
    return REAL_LOG


def script(name: str, *words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, SSHD / name, *words],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(log: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    events = folder / "logins.jsonl"
    events.write_text(script("parse.py", "--year", "2026", log))
    program = SSHD / "logins.vpl"
    done = finished([VARPULIS, "simulate", "--flush", "-p", program, "-e", events])
    assert done.returncode == 0, done.stderr
    by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in done.stdout.splitlines():
        output = json.loads(line)
        by_type[output["event_type"]].append(output)
    return by_type


def attempts(log: Path) -> Iterator[Attempt]:
    """Read made-up lines word by word, no regular expression of the parser's."""
    for line in log.read_text().splitlines():
        month, day, clock, _, _, result, method, _, *user, _, address, _, _, _ = (
            line.split()
        )
        at = datetime.strptime(f"2026 {month} {day} {clock}", "%Y %b %d %H:%M:%S")
        yield at, address, result == "Accepted", method, user[-1]


def by_address(all_of_them: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    addresses: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in all_of_them:
        addresses[attempt[1]].append(attempt)
    return addresses


def text(at: datetime) -> str:
    return f"{at.isoformat()}Z"


def break_ins(each: list[Attempt]) -> Iterator[tuple[str, str, str, int, str]]:
    failures: list[datetime] = []
    for at, address, accepted, method, user in each:
        if not accepted:
            failures.append(at)
            continue
        recent = [when for when in failures if at - when <= TEN_MINUTES]
        if len(recent) >= 3 and method != "publickey":
            yield text(at), address, user, len(recent), text(recent[0])
        failures.clear()


def attacks(each: list[Attempt]) -> Iterator[tuple[str, str, int, int]]:
    bursts: list[list[Attempt]] = []
    for attempt in each:
        if attempt[2]:
            continue
        if not bursts or attempt[0] - bursts[-1][-1][0] > TEN_MINUTES:
            bursts.append([])
        bursts[-1].append(attempt)
    for burst in bursts:
        if len(burst) >= 3:
            users = {user for *_, user in burst}
            yield burst[0][1], text(burst[0][0]), len(burst), len(users)


def test_every_guessed_password_is_found(made_up: Path, tmp_path: Path) -> None:
    addresses = by_address(attempts(made_up))
    wanted = sorted(found for each in addresses.values() for found in break_ins(each))
    told = [
        (o["at"], o["address"], o["user"], o["failures"], o["since"])
        for o in found(made_up, tmp_path)["BreakIn"]
    ]
    assert told == wanted
    assert len(told) > 10
    assert any(address.startswith("203.0.113.") for _, address, *_ in told)


def test_every_attack_is_summed_up_once(made_up: Path, tmp_path: Path) -> None:
    addresses = by_address(attempts(made_up))
    wanted = sorted(found for each in addresses.values() for found in attacks(each))
    told = [
        (o["address"], o["began"], o["failures"], o["users"])
        for o in found(made_up, tmp_path)["Attack"]
    ]
    assert sorted(told) == wanted
    assert len(told) > 30


def test_real_lines_are_read_as_fail2ban_reads_them(real: Path) -> None:
    """Its fixtures say before each line which address and time are to be found."""
    told = [
        json.loads(line)
        for line in script("parse.py", "--year", "2005", real).splitlines()
    ]
    pairs = {(e["fields"]["address"], e["timestamp"][5:19]) for e in told}
    lines = real.read_text().splitlines()
    checked = 0
    for note, line in pairwise(lines):
        says = re.match(r"# failJSON: (\{.*\})$", note)
        if says is None or not re.search(r"sshd\[\d+\]: .*?\bFailed \S+ for ", line):
            continue
        wanted = json.loads(says[1])
        if wanted["match"]:
            assert (wanted["host"], wanted["time"][5:]) in pairs
            checked += 1
    assert checked > 20
    assert len(told) == sum(e["event_type"] == "LoginFailed" for e in told) + 4


def test_what_is_in_the_real_lines_is_found(real: Path, tmp_path: Path) -> None:
    outputs = found(real, tmp_path)
    assert [
        (o["address"], o["began"][:10], o["failures"]) for o in outputs["Attack"]
    ] == [
        ("aaaa:bbbb:cccc:1234::1:1", "2026-02-25", 3),
        ("127.0.0.1", "2026-09-29", 4),
        ("127.0.0.1", "2026-11-11", 3),
    ]
    assert outputs["BreakIn"] == []


def test_the_same_seed_makes_the_same_log(made_up: Path) -> None:
    assert script("make_log.py", "--seed", "7") == made_up.read_text()
    assert script("make_log.py", "--seed", "8") != made_up.read_text()
