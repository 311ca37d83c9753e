"""`check`, `parse`, `explain`, `run`, `simulate`: outputs and exit codes."""

import io
import json
import logging
import os
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

GOOD = "stream S = X .where(v > 1) .emit(v: v)\n"
BAD = "stream S = X .wher(v > 1)\n"
OUTPUTS = '{"event_type":"S","v":3}\n{"event_type":"S","v":2}\n'


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Give a function that runs one command and returns code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.vpl").write_text(GOOD)
    (tmp_path / "bad.vpl").write_text(BAD)

    def run_command(name, *argv, stdin=""):
        source = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", source)
        module = import_module(f"engine.management.commands.{name}")
        code = 0
        try:
            module.Command().run_from_argv(["varpulis", name, *argv])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run_command


def test_check_is_content_with_a_good_program(run):
    result = run("check", "good.vpl")
    assert (result.code, result.out) == (0, "good.vpl: ok\n")


def test_check_points_at_the_place(run):
    result = run("check", "bad.vpl")
    assert result.code == 1
    assert result.out.startswith("bad.vpl:1:15: error[E082] ")
    assert "hint: did you mean 'where'?" in result.out


def test_check_reads_standard_input(run):
    assert run("check", "-", stdin=GOOD).out == "<stdin>: ok\n"


def test_check_as_json(run):
    result = run("check", "bad.vpl", "--json")
    body = json.loads(result.out)
    assert (result.code, body["valid"]) == (1, False)
    assert body["diagnostics"][0]["code"] == "E082"


def test_check_goes_through_all_files(run):
    result = run("check", "bad.vpl", "good.vpl")
    assert result.code == 1
    assert "good.vpl: ok" in result.out


@pytest.mark.parametrize("name", ["check", "parse", "explain"])
def test_an_unreadable_file_is_a_usage_error(run, tmp_path, name):
    assert run(name, "no-such.vpl").code == 2
    (tmp_path / "latin.vpl").write_bytes(b"# \xff\n")
    assert run(name, "latin.vpl").code == 2


def test_parse_prints_the_tree(run):
    body = json.loads(run("parse", "good.vpl").out)
    assert (body["node"], body["version"]) == ("Program", 1)


def test_parse_says_what_is_no_syntax(run):
    result = run("parse", "-", stdin="stream S = ")
    assert (result.code, result.out) == (1, "")
    assert "E101" in result.err


def test_explain_shows_the_plan_the_json_and_the_source(run):
    assert run("explain", "good.vpl").out.startswith("stream S <- X\n")
    plan = json.loads(run("explain", "good.vpl", "--json").out)
    assert [stream["name"] for stream in plan["streams"]] == ["S"]
    compile(run("explain", "good.vpl", "--source").out, "generated", "exec")


def test_explain_of_a_broken_program_shows_the_findings(run):
    result = run("explain", "bad.vpl")
    assert result.code == 1
    assert "bad.vpl:1:15" in result.err


def events(*values):
    return "".join(f'{{"event_type": "X", "v": {v}}}\n' for v in values)


def test_run_answers_line_by_line(run):
    result = run("run", "-f", "good.vpl", stdin=events(3, 1) + "\n" + events(2))
    assert (result.code, result.out) == (0, OUTPUTS)


def test_run_takes_code(run):
    result = run("run", "-c", 'stream S = X .emit(n: "x")', stdin=events(1))
    assert result.out == '{"event_type":"S","n":"x"}\n'


def test_run_goes_on_after_a_bad_line_and_fails_in_the_end(run):
    result = run("run", "-f", "good.vpl", stdin=events(3) + "{no\n" + events(2))
    assert (result.code, result.out) == (1, OUTPUTS)
    assert "line 2: " in result.err


def test_run_sends_to_the_console_sink(run):
    code = "connector Out = console ()\nstream S = X .emit(v: v) .to(Out)"
    assert "S v=7\n" in run("run", "-q", "-c", code, stdin=events(7)).out


@pytest.mark.parametrize("argv", [(), ("-f", "good.vpl", "-c", GOOD), ("-f", "-")])
def test_run_needs_one_program(run, argv):
    assert run("run", *argv).code == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.jsonl", events(3, 1, 2)),
        ("e.json", json.dumps([{"event_type": "X", "v": v} for v in (3, 1, 2)])),
        ("e.evt", "X { v: 3 }\nX { v: 1 }\n# comment\nX { v: 2 };\n"),
    ],
)
def test_simulate_reads_every_form(run, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    result = run("simulate", "-p", "good.vpl", "-e", name)
    assert (result.code, result.out) == (0, OUTPUTS)
    assert result.err.startswith("3 events, 2 outputs in ")


def test_simulate_reads_standard_input(run):
    result = run("simulate", "-p", "good.vpl", "-e", "-", stdin=events(3, 2))
    assert result.out == OUTPUTS


def test_simulate_totals_as_json_and_nothing_else_when_quiet(run, tmp_path):
    (tmp_path / "e.jsonl").write_text(events(3, 1, 2))
    result = run("simulate", "-p", "good.vpl", "-e", "e.jsonl", "-q", "--json")
    totals = json.loads(result.err)
    assert (result.out, totals["events"], totals["outputs"]) == ("", 3, 2)


def test_simulate_stops_at_a_bad_event_unless_told_otherwise(run, tmp_path):
    (tmp_path / "e.jsonl").write_text(events(3) + "{no\n" + events(2))
    result = run("simulate", "-p", "good.vpl", "-e", "e.jsonl")
    assert result.code == 1
    assert (result.out, "e.jsonl:2: " in result.err) == (
        '{"event_type":"S","v":3}\n',
        True,
    )
    result = run("simulate", "-p", "good.vpl", "-e", "e.jsonl", "--skip-bad")
    assert (result.code, result.out) == (0, OUTPUTS)


def test_simulate_names_the_line_of_a_bad_evt_event(run, tmp_path):
    (tmp_path / "e.evt").write_text("X { v: 3 }\n\nX { v 2 }\n")
    result = run("simulate", "-p", "good.vpl", "-e", "e.evt")
    assert result.code == 1
    assert "e.evt:3: ':' was expected, not '2'" in result.err


def test_simulate_shows_no_progress_bar_off_a_terminal(run, tmp_path):
    (tmp_path / "e.jsonl").write_text(events(3))
    result = run("simulate", "-p", "good.vpl", "-e", "e.jsonl")
    assert "\x1b" not in result.err


@pytest.mark.parametrize("argv", [("-e", "no.jsonl"), ("-e", "no.evt"), ()])
def test_simulate_needs_events(run, argv):
    assert run("simulate", "-p", "good.vpl", *argv).code == 2


@pytest.fixture
def same_logging():
    """Put the logging of the test process back."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn")
    before = root.handlers[:], root.level, uvicorn.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    uvicorn.setLevel(before[2])


@pytest.mark.usefixtures("same_logging")
@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("--bind", "0.0.0.0"), "--api-key"),
        (("--coordinator", "localhost:9100"), "--coordinator"),
        (("--no-such-option",), "no-such-option"),
        (("--tls-cert", "x.pem"), "--tls-key"),
        (("--log-level", "loud"), "loud"),
        (("--log-format", "yaml"), "yaml"),
    ],
)
def test_server_refuses_bad_options_with_2(run, monkeypatch, argv, text):
    for name in [name for name in os.environ if name.startswith("VARPULIS_")]:
        monkeypatch.delenv(name)
    result = run("server", *argv)
    assert result.code == 2
    assert text in result.err
