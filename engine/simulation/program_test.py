"""Tests of programs: `x.vpl` with `x.evt` and `x.expected.jsonl` (vpl.md 17.2)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from engine.connectors.fake import RecordingSinks
from engine.encoding import to_plain
from engine.event_files import (
    BadFileError,
    EventFile,
    EventFileError,
    ReadOptions,
    open_event_file,
)
from engine.evt import declared_fields
from engine.pipeline import Pipeline
from engine.simulation.clock import EventClock
from engine.simulation.comparison import Difference, differences
from engine.simulation.expected_outputs import (
    ExpectedOutputs,
    read_expected,
    write_expected,
)
from engine.simulation.simulation import SIMULATION_LIMITS, Simulation
from vpl import consumed_types

FLUSH: Final = b"# flush"
CLOSE_TIMEOUT_S: Final = 30.0

Compile = Callable[..., Pipeline]
"""Compiles the program of a path with the options of `compile_program`."""


@dataclass(frozen=True, slots=True)
class ProgramTest:
    """The three files of a test."""

    program: Path

    @property
    def events(self) -> Path:
        """Return the file of events."""
        return self.program.with_suffix(".evt")

    @property
    def expected(self) -> Path:
        """Return the file of expected outputs."""
        return self.program.with_suffix(".expected.jsonl")


@dataclass(slots=True)
class Outcome:
    """What a test came to.

    `reasons` say what went wrong beside outputs that differ; `printed` is what the
    program printed.
    """

    test: ProgramTest
    differences: list[Difference] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    printed: str = ""
    outputs: int = 0
    expected: int = 0
    is_updated: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether everything was as expected."""
        return not self.differences and not self.reasons


def find_tests(paths: Iterable[Path]) -> list[ProgramTest]:
    """Return the tests in files and below folders, each once; raises BadFileError.

    Below folders, programs without events are no tests; a file that is named has to
    be one.
    """
    found: dict[Path, ProgramTest] = {}
    for path in paths:
        for program in _programs(path):
            found.setdefault(program.resolve(), ProgramTest(program))
    return list(found.values())


def _programs(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for program in sorted(path.rglob("*.vpl")):
            if program.with_suffix(".evt").is_file():
                yield program
        return
    program = path.with_suffix(".vpl")
    for needed in (path, program, program.with_suffix(".evt")):
        if not needed.is_file():
            raise BadFileError(f"cannot read {needed}: a test needs this file")
    yield program


def run_test(test: ProgramTest, compile_file: Compile, *, update: bool) -> Outcome:
    """Run a test; with `update` the outputs become the expected ones.

    Raises what `compile_file` raises.
    """
    outcome = Outcome(test)
    clock = EventClock()
    pipeline = compile_file(
        test.program, sinks=RecordingSinks(), clock=clock, limits=SIMULATION_LIMITS
    )
    collected = _Collected(outcome)
    simulation = Simulation(pipeline, clock, collected)
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            _through(simulation, pipeline, test)
    except (EventFileError, BadFileError) as error:
        outcome.reasons.append(str(error))
    finally:
        pipeline.close(CLOSE_TIMEOUT_S)
    outcome.printed = printed.getvalue()
    outcome.outputs = len(collected.made)
    _judge(outcome, collected.made, update=update)
    return outcome


def _through(simulation: Simulation, pipeline: Pipeline, test: ProgramTest) -> None:
    options = ReadOptions(
        declared=declared_fields(pipeline.program),
        types=consumed_types(pipeline.program),
    )
    with open_event_file(str(test.events), options) as events:
        is_flushed = _is_flushed(events)
        for block in events.blocks():
            simulation.feed(block)
        if is_flushed:
            simulation.flush()


def _is_flushed(events: EventFile) -> bool:
    return events.first_line.strip() == FLUSH


def _judge(outcome: Outcome, made: list[dict[str, Any]], *, update: bool) -> None:
    path = outcome.test.expected
    try:
        known = read_expected(path) if path.exists() else None
    except BadFileError as error:
        outcome.reasons.append(str(error))
        return
    if update and not outcome.reasons:
        known = known or ExpectedOutputs()
        if not path.exists() or tuple(made) != known.outputs:
            write_expected(path, made, known.comments)
            outcome.is_updated = True
        outcome.expected = len(made)
    elif known is None:
        outcome.reasons.append(f"{path} is missing; --update writes it")
    else:
        outcome.expected = len(known.outputs)
        outcome.differences = differences(
            made, known.outputs, is_unordered=known.is_unordered
        )


class _Collected:
    """Keeps the outputs of a simulation; all else is a reason to fail."""

    def __init__(self, outcome: Outcome) -> None:
        self.made: list[dict[str, Any]] = []
        self._outcome = outcome

    def outputs(self, rows: list[Any]) -> None:
        """Keep outputs as flat dicts of JSON values."""
        self.made += map(to_plain, rows)

    def fault(self, error: dict[str, Any]) -> None:
        """Take an error at run time."""
        text = f"{error['code']} {error['stream']}: {error['message']}"
        self._outcome.reasons.append(text)

    def rejected(self, place: int, reason: str) -> None:
        """Take an event that the pipeline refused."""
        self._outcome.reasons.append(f"{self._outcome.test.events}:{place}: {reason}")
