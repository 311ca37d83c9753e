"""The console script: which command runs under which settings, and how it ends."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from varpulis_site import cli

VARPULIS = str(Path(sys.executable).with_name("varpulis"))


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [VARPULIS, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_it_tells_its_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["varpulis", flag])
    assert capsys.readouterr().out == f"varpulis {version('varpulis')}\n"


def test_the_overview_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["varpulis", "help"])
    shown = capsys.readouterr().out
    assert "  coordinator" in shown
    assert "  server" in shown


def test_commands_of_django_apps_are_known(tmp_path: Path) -> None:
    done = run("createsuperuser", "--help", VARPULIS_STATE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "--username" in done.stdout


def test_an_unknown_command_suggests_the_nearest() -> None:
    done = run("coordinatr")
    assert done.returncode == 2
    assert done.stderr == (
        "varpulis: unknown command 'coordinatr'; did you mean 'coordinator'?"
        " (`varpulis help` lists them)\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "abc"], "VARPULIS_PORT must be a whole number, not 'abc'"),
        (["--port", "70000"], "VARPULIS_PORT must be from 0 to 65535, not 70000"),
        (["--sweep-interval", "x"], "VARPULIS_SWEEP_INTERVAL must be a number"),
        (["--log-format", "xml"], "VARPULIS_LOG_FORMAT must be one of"),
        (["--api-key", "@/no/file"], "VARPULIS_API_KEY: cannot read /no/file"),
        (["--database", "mysql://h/d"], "VARPULIS_DATABASE_URL must look like"),
        (["--bind", "0.0.0.0"], "no VARPULIS_API_KEY is set"),
        (["--broker", "redis://h"], "VARPULIS_BROKER_URL is set"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_bad_option_is_one_clear_line_and_exit_2(
    words: Sequence[str], sentence: str, tmp_path: Path
) -> None:
    done = run("coordinator", *words, VARPULIS_STATE_DIR=str(tmp_path))
    assert done.returncode == 2
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_state_folder_that_cannot_be_made_says_which() -> None:
    done = run("coordinator", VARPULIS_STATE_DIR="/proc/nowhere")
    assert done.returncode == 2
    assert "choose another place with --state-dir" in done.stderr


def test_a_flag_wins_over_its_variable(tmp_path: Path) -> None:
    done = run(
        "coordinator",
        "--port",
        "abc",
        VARPULIS_PORT="9100",
        VARPULIS_STATE_DIR=str(tmp_path),
    )
    assert "not 'abc'" in done.stderr


def test_help_needs_no_state_folder(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = run("coordinator", "--help", VARPULIS_STATE_DIR=str(state))
    assert done.returncode == 0
    assert "VARPULIS_JOIN_TOKEN" in done.stdout
    assert not state.exists()


def test_check_with_a_flag_of_django_checks_the_settings(tmp_path: Path) -> None:
    done = run("check", "--tag", "varpulis", VARPULIS_STATE_DIR=str(tmp_path))
    assert "no issues" in done.stdout
