"""The commands for programs, as processes."""

import gzip
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_commands import VARPULIS, environment, finished

pytestmark = pytest.mark.process

PROGRAM = """\
event Door:
    room: str
    held: duration
stream Ajar = Door .where(held >= 30s) .emit(room, seconds: seconds(held))
"""
EVENTS = "@0s Door(lab, 45s)\n@5s Door(hall, 5s)\n@1m Door { room: lab, held: 31s }\n"
LAB = '{"event_type":"Ajar","room":"lab","seconds":45.0}\n'
OUTPUTS = LAB + '{"event_type":"Ajar","room":"lab","seconds":31.0}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "doors.vpl").write_text(PROGRAM)
    (tmp_path / "doors.evt").write_text(EVENTS)
    (tmp_path / "bad.vpl").write_text("stream S = X .wher(v)\n")
    return tmp_path


def run(*words: Any) -> subprocess.CompletedProcess[str]:
    return finished([VARPULIS, *map(str, words)])


def piped(text: str | bytes, *words: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [VARPULIS, *map(str, words)],
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        env=environment(),
        timeout=60,
        check=False,
    )


def test_check_parse_and_explain_answer_with_their_exit_codes(folder: Path) -> None:
    good, bad = folder / "doors.vpl", folder / "bad.vpl"
    assert run("check", good).stdout == f"{good}: ok\n"
    done = run("check", good, bad, folder / "none.vpl", "--json")
    assert done.returncode == 2
    assert [json.loads(line)["valid"] for line in done.stdout.splitlines()] == [
        True,
        False,
    ]
    assert run("check", bad).returncode == 1
    assert json.loads(run("parse", good).stdout)["node"] == "Program"
    plan = json.loads(run("explain", good, "--json").stdout)
    assert [op["op"] for op in plan["streams"][0]["ops"]] == ["where", "emit"]
    assert "stream Ajar <- Door" in run("explain", good).stdout


def test_simulate_reads_files_pipes_and_gzip(folder: Path) -> None:
    argv = ("simulate", "-p", folder / "doors.vpl", "-e")
    done = run(*argv, folder / "doors.evt")
    assert (done.returncode, done.stdout) == (0, OUTPUTS)
    assert done.stderr.startswith("3 events, 2 outputs in ")
    packed = gzip.compress(EVENTS.encode())
    (folder / "packed").write_bytes(packed)
    assert run(*argv, folder / "packed").stdout == OUTPUTS
    assert piped(packed, *argv, "-").stdout.decode() == OUTPUTS
    assert piped("{oops", *argv, "-").returncode == 1
    assert run(*argv, folder / "none.evt").returncode == 2


def test_a_reader_that_goes_away_ends_simulate_quietly(folder: Path) -> None:
    (folder / "many.evt").write_text("Door(lab, 45s)\n" * 20_000)
    words = f"{VARPULIS} simulate -p doors.vpl -e many.evt | head -1"
    done = subprocess.run(
        words,
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (LAB, "")


KEYED = """\
stream First = Scan .partition_by(dock) .limit(2) .emit(dock, n)
stream Heavy = Scan .where(kg > 5) .print(n) .emit(dock, kg)
"""


def scans(folder: Path, name: str) -> Path:
    """Write 3000 events of 7 docks, a bad one among them."""
    path = folder / name
    lines = [
        f"Scan {{ dock: d{n * n % 7}, n: {n}, kg: {n % 11}, wait: {n}s }}"
        if name.endswith(".evt")
        else json.dumps({
            "event_type": "Scan",
            "dock": f"d{n * n % 7}",
            "n": n,
            "kg": n % 11,
        })
        for n in range(3000)
    ]
    lines[1500] = "{oops"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("name", ["scans.jsonl", "scans.evt"])
def test_several_workers_give_what_one_gives(folder: Path, name: str) -> None:
    (folder / "keyed.vpl").write_text(KEYED)
    events = scans(folder, name)
    argv = ("simulate", "-p", folder / "keyed.vpl", "-e", events, "--skip-bad")
    alone = run(*argv, "-v")
    shared = run(*argv, "-v", "-w", 3, "--partition-by", "dock")
    assert "one worker" not in shared.stderr
    assert alone.stdout.count("First") == 8
    made = [x for x in alone.stdout.splitlines() if x.startswith("{")]
    assert [x for x in shared.stdout.splitlines() if x.startswith("{")] == made
    assert sorted(shared.stdout.splitlines()) == sorted(alone.stdout.splitlines())
    told = alone.stderr.rpartition(" in ")[0]
    assert shared.stderr.rpartition(" in ")[0] == told


def test_programs_that_cannot_be_shared_run_in_one_process(folder: Path) -> None:
    (folder / "plain.vpl").write_text("stream S = Door .limit(1) .emit(room)\n")
    argv = ("simulate", "-p", folder / "plain.vpl", "-e", folder / "doors.evt")
    done = run(*argv, "-w", 2, "--partition-by", "room")
    assert "one worker: stream 'S' is not partitioned by 'room'\n" in done.stderr
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "one worker: --partition-by says" in run(*argv, "-w", 2).stderr
    assert run(*argv, "-w", 0).returncode == 2


def test_checkpoints_carry_a_simulation_over(folder: Path) -> None:
    (folder / "count.vpl").write_text(
        "var n = 0\nfn up():\n    n := n + 1\n    n\nstream S = Door .emit(n: up())\n"
    )
    argv = ("simulate", "-p", folder / "count.vpl", "-e", folder / "doors.evt")
    keep = ("--checkpoint-dir", folder / "kept")
    assert '"n":3' in run(*argv, *keep).stdout
    done = run(*argv, *keep)
    assert ('"n":6' in done.stdout, "restored" in done.stderr) == (True, True)


def test_test_updates_passes_and_fails(folder: Path) -> None:
    assert run("test", folder).returncode == 1
    assert run("test", folder, "--update").returncode == 0
    expected = folder / "doors.expected.jsonl"
    assert expected.read_text() == OUTPUTS
    assert run("test", folder / "doors.vpl").returncode == 0
    expected.write_text(OUTPUTS.replace("31.0", "32.0"))
    done = run("test", folder)
    assert done.returncode == 1
    assert "seconds: 32.0 was expected, 31.0 came" in done.stdout
    assert run("test", folder / "none.vpl").returncode == 2


def test_run_takes_lines_and_ends_with_them(folder: Path) -> None:
    line = '{"event_type":"Door","room":"lab","held":"45s"}\n'
    done = piped(line, "run", "-f", folder / "doors.vpl")
    assert (done.returncode, done.stdout.decode()) == (0, LAB)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_with_a_source_ends_in_order_at_a_signal(folder: Path, number: int) -> None:
    code = (
        f'connector In = file (path: "{folder}/in.jsonl")\n'
        f'connector Out = file (path: "{folder}/out.jsonl")\n'
        "stream Ajar = Door.from(In) .emit(room) .to(Out)\n"
    )
    (folder / "in.jsonl").write_text('{"event_type":"Door","room":"lab"}\n')
    process = subprocess.Popen(
        [VARPULIS, "run", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["room"] == "lab"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, ""), err
    assert err.endswith("1 events, 1 outputs\n")
    written = json.loads((folder / "out.jsonl").read_text())
    assert (written["event_type"], written["room"]) == ("Ajar", "lab")


def test_run_lets_windows_pass_while_no_event_comes(folder: Path) -> None:
    code = "stream S = X .window(100ms) .aggregate(n: count()) .emit(n: n)"
    process = subprocess.Popen(
        [VARPULIS, "run", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write('{"event_type":"X"}\n')
        process.stdin.flush()
        assert process.stdout.readline() == '{"event_type":"S","n":1}\n'
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0


def test_run_that_reaches_nobody_ends_with_3(folder: Path) -> None:
    code = (
        f'connector In = file (path: "{folder}/none.jsonl")\n'
        "stream Ajar = Door.from(In) .emit(room)\n"
    )
    done = run("run", "-c", code, "--connect-timeout", "0.5")
    assert (done.returncode, "never reached source In" in done.stderr) == (3, True)
