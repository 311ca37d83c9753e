"""Tests of programs: `x.vpl` with `x.evt` and `x.expected.jsonl` (vpl.md 17.2)."""

from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from engine.compiling import compile_program
from engine.encoding import to_plain
from engine.event_files import (
    BadFileError,
    EventFile,
    EventFileError,
    ReadOptions,
    open_event_file,
)
from engine.evt import declared_fields
from engine.limits import Limits
from engine.pipeline import Pipeline
from engine.runtime.columns import each_output
from engine.simulation.clock import EventClock
from engine.simulation.comparison import Difference, differences
from engine.simulation.dated_outputs import DatedOutputs, compile_dated
from engine.simulation.expected_outputs import (
    ExpectedOutputs,
    read_expected,
    write_expected,
)
from engine.simulation.simulation import SIMULATION_LIMITS, Simulation
from vpl import Imports, consumed_types

FLUSH: Final = b"# flush"
CLOSE_TIMEOUT_S: Final = 30.0


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


def run_test(
    test: ProgramTest,
    source: str,
    imports: Imports,
    limits: Limits = SIMULATION_LIMITS,
    *,
    update: bool,
) -> Outcome:
    """Run a test; with `update` the outputs become the expected ones.

    `source` is the text of the program. Raises InvalidProgramError and LoadError.
    """
    outcome = Outcome(test)
    try:
        known = read_expected(test.expected) if test.expected.exists() else None
    except BadFileError as error:
        outcome.reasons.append(str(error))
        return outcome
    has_times = known is not None and any("timestamp" in o for o in known.outputs)
    program = _Program(source, imports, limits)
    made = _made(outcome, program, has_times=has_times)
    outcome.outputs = len(made)
    if update and not outcome.reasons:
        _update(outcome, made, known)
    elif known is None:
        outcome.reasons.append(f"{test.expected} is missing; --update writes it")
    else:
        outcome.expected = len(known.outputs)
        outcome.differences = differences(
            made, known.outputs, is_unordered=known.is_unordered
        )
    return outcome


@dataclass(frozen=True, slots=True)
class _Program:
    source: str
    imports: Imports
    limits: Limits


def _made(
    outcome: Outcome, program: _Program, *, has_times: bool
) -> list[dict[str, Any]]:
    """Return the outputs of a test, with timestamps if those are expected."""
    clock = EventClock()
    name = str(outcome.test.program)
    dates: DatedOutputs | None = None
    if has_times:
        pipeline, dates = compile_dated(
            program.source,
            name=name,
            clock=clock,
            limits=program.limits,
            imports=program.imports,
        )
    else:
        pipeline = compile_program(
            program.source,
            name=name,
            clock=clock,
            limits=program.limits,
            imports=program.imports,
        )
    collected = _Collected(outcome, dates)
    # Contexts that overtake each other would make a test's result a matter of luck.
    simulation = Simulation(pipeline, clock, collected, in_turn=True)
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            _through(simulation, pipeline, outcome.test)
    except (EventFileError, BadFileError) as error:
        outcome.reasons.append(str(error))
    finally:
        pipeline.close(CLOSE_TIMEOUT_S)
    outcome.printed = printed.getvalue()
    return collected.made


def _update(
    outcome: Outcome, made: list[dict[str, Any]], known: ExpectedOutputs | None
) -> None:
    outcome.expected = len(made)
    if known is None or tuple(made) != known.outputs:
        comments = known.comments if known else ()
        write_expected(outcome.test.expected, made, comments)
        outcome.is_updated = True


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


class _Collected:
    """Keeps the outputs of a simulation; all else is a reason to fail."""

    def __init__(self, outcome: Outcome, dates: DatedOutputs | None) -> None:
        self.made: list[dict[str, Any]] = []
        self._outcome = outcome
        self._dates = dates

    def outputs(self, rows: list[Any]) -> None:
        """Keep outputs as flat dicts of JSON values."""
        plain = list(map(to_plain, each_output(rows)))
        self.made += plain if self._dates is None else self._dates.dated(plain)

    def fault(self, error: dict[str, Any]) -> None:
        """Take an error at run time."""
        text = f"{error['code']} {error['stream']}: {error['message']}"
        self._outcome.reasons.append(text)

    def rejected(self, place: int, reason: str) -> None:
        """Take an event that the pipeline refused."""
        self._outcome.reasons.append(f"{self._outcome.test.events}:{place}: {reason}")
