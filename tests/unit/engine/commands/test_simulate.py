"""`varpulis simulate`: options, totals, time, checkpoints."""

import json

import pytest

from engine.management import progress
from engine.management.commands import simulate
from engine.management.progress import ProgressBar
from engine.simulation import Pacing

PROGRAM = "stream S = X .where(v > 1) .emit(v: v)\n"
S = 1_000_000_000


@pytest.fixture
def program(write):
    return write("a.vpl", PROGRAM)


@pytest.mark.usefixtures("program")
def test_csv_needs_only_a_type(run, write):
    write("e.csv", "v,w\n1,a\n2,b\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.csv", "--type", "X")
    assert (result.code, result.out) == (0, '{"event_type":"S","v":2}\n')


@pytest.mark.usefixtures("program")
def test_csv_without_a_type_says_what_to_do(run, write):
    write("e.csv", "v\n2\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.csv")
    assert (result.code, "by --type" in result.err) == (2, True)


def test_what_a_stream_leaves_out_is_told(run, write):
    source = (
        "stream S = X .watermark(out_of_order: 1s) .allowed_lateness(0s) .emit(v)\n"
    )
    write("a.vpl", source)
    write("e.evt", "@10s X { v: 1 }\n@20s X { v: 2 }\n@5s X { v: 3 }\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt")
    assert "S left something out: 1 late_events" in result.err
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--json", "-q")
    told = json.loads(result.err.splitlines()[-1])
    assert told["lost"] == {"S": {"late_events": 1}}


def test_positional_values_take_the_declared_names(run, write):
    write("a.vpl", "event X:\n  w: str\n  v: int\n" + PROGRAM)
    write("e.evt", "X(one, 1)\nX(two, 2)\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt")
    assert result.out == '{"event_type":"S","v":2}\n'


def test_durations_and_instants_keep_their_kinds(run, write):
    write("a.vpl", "stream S = X .emit(d: d > 1h, k: type_of(t))")
    write("e.evt", "X { d: 2h, t: @2026-03-01 }")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt")
    assert result.out == '{"event_type":"S","d":true,"k":"timestamp"}\n'


@pytest.mark.parametrize("name", ["e.evt", "e.jsonl"])
def test_now_is_the_time_of_the_event(run, write, name):
    write("a.vpl", "stream S = X .emit(same: now() == timestamp, at: now())")
    texts = {
        "e.evt": "X\n@5s X\n",
        "e.jsonl": '{"event_type":"X"}\n{"event_type":"X","timestamp":1772323205000}\n',
    }
    write(name, texts[name])
    start = ("--start", "2026-03-01")
    result = run("simulate", "-p", "a.vpl", "-e", name, *start)
    assert [json.loads(line) for line in result.out.splitlines()] == [
        {"event_type": "S", "same": True, "at": "2026-03-01T00:00:00Z"},
        {"event_type": "S", "same": True, "at": "2026-03-01T00:00:05Z"},
    ]


@pytest.mark.usefixtures("program")
def test_a_start_that_is_no_time_is_a_usage_error(run, write):
    write("e.evt", "X")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--start", "soon")
    assert (result.code, "--start: 'soon'" in result.err) == (2, True)


@pytest.mark.usefixtures("program")
def test_bad_events_are_counted_with_their_places(run, write):
    write("e.evt", "X { v: 2 }\nX {\nX { v: 3 }\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--skip-bad")
    assert (result.code, len(result.out.splitlines())) == (0, 2)
    assert result.err.startswith("skipped e.evt:2: ")
    assert "2 events, 2 outputs, 1 bad in " in result.err


@pytest.mark.usefixtures("program")
def test_values_beyond_the_bounds_are_named_with_their_places(run, write):
    deep = '{"event_type":"X","v":' + "[" * 40 + "]" * 40 + "}"
    write("e.jsonl", '\n{"event_type":"X","v":2}\n' + deep)
    result = run("simulate", "-p", "a.vpl", "-e", "e.jsonl")
    assert (result.code, "e.jsonl:3: values are nested" in result.err) == (1, True)
    assert result.out == '{"event_type":"S","v":2}\n'


def test_run_time_errors_end_with_1(run, write):
    write("a.vpl", "fn f(n):\n    f(n + 1)\nstream S = X .emit(v: f(1))")
    write("e.evt", "X")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--json")
    assert result.code == 1
    assert result.err.startswith("R002 S: ")
    assert json.loads(result.err.splitlines()[-1])["faults"] == 1


@pytest.mark.usefixtures("program")
def test_verbose_shows_counters_per_stream(run, write):
    write("e.evt", "X { v: 1 }\nX { v: 2 }\nX { v: a }")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "-v")
    assert "S: 3 in, 1 outputs, 0 to other streams, 1 kind errors\n" in result.err


@pytest.mark.usefixtures("program")
def test_verbose_shows_a_table_on_a_terminal(run, write, monkeypatch):
    write("e.evt", "X { v: 1 }\nX { v: 2 }\nX { v: a }")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "-v")
    assert "to other streams" in result.err
    assert "1 kind errors" in result.err
    assert "│" in result.err


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("more", [("--immediate",), ("--preload",), ("--flush",)])
def test_accepted_options_change_no_outputs(run, write, more):
    write("e.evt", "X { v: 2 }")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", *more)
    assert (result.code, result.out) == (0, '{"event_type":"S","v":2}\n')


WINDOW = "stream S = X .window(10s) .aggregate(n: count()) .emit(n: n)\n"


def test_flush_ends_what_waits(run, write):
    write("a.vpl", WINDOW)
    write("e.evt", "@0s X\n@5s X\n@12s X\n")
    argv = ("simulate", "-p", "a.vpl", "-e", "e.evt")
    assert run(*argv).out == '{"event_type":"S","n":2}\n'
    assert run(*argv, "--flush").out.endswith('{"event_type":"S","n":1}\n')


def test_a_flush_leaves_the_checkpoint_as_it_was(run, write):
    write("a.vpl", WINDOW)
    write("e.evt", "@0s X\n@5s X\n")
    write("later.evt", "@7s X\n@12s X\n")
    argv = ("simulate", "-p", "a.vpl", "--checkpoint-dir", "kept")
    assert '"n":2' in run(*argv, "-e", "e.evt", "--flush").out
    assert run(*argv, "-e", "later.evt").out == '{"event_type":"S","n":3}\n'


def test_timers_follow_event_time(run, write):
    write("a.vpl", "stream S = timer(10s) .emit(tick: tick)\nstream T = X .emit()\n")
    write("e.evt", "@0s X\n@25s X\n")
    lines = run("simulate", "-p", "a.vpl", "-e", "e.evt").out.splitlines()
    ticks = [body["tick"] for body in map(json.loads, lines) if "tick" in body]
    assert ticks == [0, 1]


@pytest.mark.usefixtures("program")
def test_timed_replays_offsets(run, write, monkeypatch):
    slept, now = [], [100.0]

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pacing = Pacing(lambda: now[0], sleep)
    monkeypatch.setattr(simulate, "Pacing", lambda: pacing)
    write("e.evt", "@1s X { v: 2 }\n@3s X { v: 2 }\n@2s X\n@4s X")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--timed")
    assert (result.code, slept) == (0, [2.0, 1.0])


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    "argv",
    [
        ("-e", "no.evt"),
        ("-e", "e.evt", "--timed", "--immediate"),
        ("-e", "e.evt", "--time-unit", "days"),
        ("-e", "e.evt", "--format", "xml"),
        ("-e", "."),
    ],
)
def test_wrong_usage_ends_with_2(run, write, argv):
    write("e.evt", "X")
    assert run("simulate", "-p", "a.vpl", *argv).code == 2


COUNTER = "var n = 0\nfn up():\n    n := n + 1\n    n\nstream S = X .emit(n: up())\n"


def test_a_simulation_goes_on_from_its_checkpoint(run, write, tmp_path):
    write("a.vpl", COUNTER)
    write("e.evt", "X\nX")
    argv = ("simulate", "-p", "a.vpl", "-e", "e.evt", "--checkpoint-dir", "kept")
    first = run(*argv)
    assert "restored" not in first.err
    second = run(*argv)
    assert (first.out + second.out).count("S") == 4
    assert '"n":4' in second.out
    assert "restored from the newest checkpoint: kept S" in second.err
    write("a.vpl", COUNTER + "stream T = Y\n")
    assert "kept S; added T" in run(*argv).err
    assert len(list((tmp_path / "kept").rglob("*.ckpt"))) == 3


def test_a_checkpoint_that_does_not_fit_is_passed_over(run, write, tmp_path):
    write("a.vpl", COUNTER)
    write("e.evt", "X")
    argv = ("simulate", "-p", "a.vpl", "-e", "e.evt", "--checkpoint-dir", "kept")
    run(*argv)
    run(*argv)
    newest = max((tmp_path / "kept").rglob("*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:-4])
    result = run(*argv)
    assert (result.code, '"n":2' in result.out) == (0, True)


def test_a_folder_that_takes_no_checkpoints_is_a_usage_error(run, write):
    write("a.vpl", COUNTER)
    write("e.evt", "X")
    write("kept", "a file")
    argv = ("simulate", "-p", "a.vpl", "-e", "e.evt", "--checkpoint-dir", "kept")
    result = run(*argv)
    assert (result.code, "cannot keep checkpoints in kept" in result.err) == (2, True)


def test_checkpoints_are_written_at_intervals(run, write, tmp_path):
    write("a.vpl", COUNTER)
    write("e.evt", "X\n" * 2500)
    argv = ("simulate", "-p", "a.vpl", "-e", "e.evt", "--checkpoint-dir", "kept")
    run(*argv, "-q", "--checkpoint-interval", "0")
    newest = max((tmp_path / "kept").rglob("*.ckpt"))
    assert newest.name == "000000000004.ckpt"


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_a_bar_is_shown_on_a_terminal_for_what_takes_its_time(monkeypatch):
    terminal, now = Terminal(), [0.0]
    monkeypatch.setattr("sys.stderr", terminal)
    with ProgressBar("simulating", 100, monotonic=lambda: now[0]) as bar:
        bar.update(10)
        assert terminal.text == ""
        now[0] += progress.PATIENCE_S
        bar.update(50)
        assert "simulating" in terminal.text


def test_no_bar_disturbs_outputs_on_the_same_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", terminal)
    times = iter(range(10))
    with ProgressBar(
        "simulating", 100, is_shared=True, monotonic=lambda: next(times)
    ) as bar:
        bar.update(50)
    assert terminal.text == ""


COPIES = "fn f(n):\n    for i in 0..n: emit P(i: i)\nstream S = X .process(f(v))\n"


@pytest.mark.parametrize("more", [(), ("-w", "2", "--partition-by", "v")])
def test_limits_of_the_program_can_be_set(run, write, more):
    write(
        "a.vpl", COPIES if not more else COPIES.replace("X .p", "X .partition_by(v) .p")
    )
    write("e.jsonl", '{"event_type": "X", "v": 4}\n')
    given = ("--limit", "outputs_per_event=3", "--limit", "runs=5", *more)
    result = run("simulate", "-p", "a.vpl", "-e", "e.jsonl", *given)
    assert len(result.out.splitlines()) == 3
    assert "R003" in result.err


@pytest.mark.usefixtures("program")
def test_a_limit_that_is_none_is_wrong_usage(run, write):
    write("e.evt", "X { v: 2 }\n")
    result = run("simulate", "-p", "a.vpl", "-e", "e.evt", "--limit", "rnus=3")
    assert result.code == 2
    assert "--limit: unknown limit 'rnus' (did you mean 'runs'?)" in result.err
