"""`python -m bench`: which parts run, what it shows meanwhile, and how it ends."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from bench import __main__ as command
from bench.parts import PARTS, Part, named
from bench.progress import Bars, Lines, Silent, showing, step
from bench.result import QUICK, WrongOutputError, require
from tests.unit.bench.findings import FAST


def measured(effort):
    step("the first")
    return [FAST]


def wrong(effort):
    require([1], [2], "outputs")


def broken(effort):
    raise ZeroDivisionError("division by zero")


def part(run, name="part"):
    return Part(name, "The part", run, 1.0)


def test_names_choose_parts_in_the_order_they_run():
    names = [each.name for each in PARTS]
    assert [p.name for p in named([names[2], names[0]])] == [names[0], names[2]]
    assert named([]) == list(PARTS)
    assert len(set(names)) == len(names)


def test_a_part_that_ran_has_findings():
    found = command.run_part(part(measured), QUICK, Silent())
    assert found.findings == [FAST]
    assert found.failure is None


@pytest.mark.parametrize("run", [wrong, broken])
def test_a_part_that_failed_has_no_findings_but_a_reason(run, capsys):
    found = command.run_part(part(run), QUICK, Silent())
    assert found.findings == []
    assert found.failure


def test_a_wrong_output_fails_the_run(monkeypatch, tmp_path):
    parts = (part(measured, "good"), part(wrong, "bad"))
    monkeypatch.setattr(command, "PARTS", parts)
    monkeypatch.setattr(command, "named", lambda names: list(parts))
    assert command.main(["--quick", "--out", str(tmp_path)]) == 1
    text = (tmp_path / "report.md").read_text()
    assert "outputs: [1] is not [2]" in text
    assert "filter" in text


def test_a_run_without_failures_ends_well(monkeypatch, tmp_path):
    parts = (part(measured, "good"),)
    monkeypatch.setattr(command, "PARTS", parts)
    monkeypatch.setattr(command, "named", lambda names: list(parts))
    assert command.main(["--out", str(tmp_path)]) == 0
    before = (tmp_path / "report.md").read_text()
    assert command.main(["--render", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.md").read_text() == before


def test_a_quick_run_writes_no_report(monkeypatch, capsys):
    parts = (part(measured, "good"),)
    monkeypatch.setattr(command, "named", lambda names: list(parts))
    assert command.main(["--quick"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_where_it_stands_is_told_in_plain_lines():
    text = io.StringIO()
    lines = Lines(Console(file=text), 2)
    lines.begin("Compiling", 20)
    lines.step("10 streams")
    lines.end("21 s")
    assert text.getvalue().splitlines() == [
        "[1/2] Compiling, about 20 s",
        "    10 streams",
        "    Compiling: 21 s",
    ]


def test_where_it_stands_is_told_by_a_bar():
    progress = Progress(console=Console(file=io.StringIO(), force_terminal=True))
    bars = Bars(progress, 40.0)
    bars.begin("Compiling", 10.0)
    bars.step("10 streams")
    [task] = progress.tasks
    assert task.fields["step"] == "10 streams"
    assert task.completed < 10.0
    bars.end("9 s")
    [task] = progress.tasks
    assert task.completed == 10.0


def test_steps_are_told_to_whoever_shows_them(capsys):
    with showing(1, 1.0) as display:
        display.begin("Compiling", 1.0)
        step("10 streams")
        display.end("1 s")
    step("to nobody")
    assert "10 streams" in capsys.readouterr().err
    assert "nobody" not in capsys.readouterr().err


def test_what_must_be_equal_is_named_when_it_is_not():
    with pytest.raises(WrongOutputError, match="accepted: 3 is not 4"):
        require(3, 4, "accepted")
