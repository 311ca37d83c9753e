"""`varpulis test`: programs give the outputs they are expected to give."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from django.core.management.base import CommandParser

from engine import InvalidProgramError
from engine.errors import LoadError
from engine.event_files import BadFileError
from engine.limits import Limits
from engine.management.command import FAILURE, EngineCommand, read_text, usage_error
from engine.management.importing import ImportedFiles
from engine.management.limit_option import add_limit_option, read_limits
from engine.management.progress import ProgressBar
from engine.simulation import simulation_limits
from engine.simulation.comparison import Difference
from engine.simulation.program_test import Outcome, ProgramTest, find_tests, run_test
from vpl import render_diagnostics

SHOWN: Final = 3
"""Differences of one test that are shown."""
_ADDED, _REMOVED = "got     ", "expected"


class Command(EngineCommand):
    help = "Run programs on events beside them and compare their outputs"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "paths",
            nargs="+",
            metavar="PATH",
            help="x.vpl beside x.evt and x.expected.jsonl, or a folder of such",
        )
        parser.add_argument(
            "--update", action="store_true", help="write what comes out as expected"
        )
        add_limit_option(parser)
        parser.add_argument("--json", action="store_true", help="the result as JSON")
        parser.add_argument(
            "-v", "--verbose", action="store_true", help="show what programs print"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if a test fails, with 2 if there is none."""
        started = time.perf_counter()
        limits = simulation_limits(read_limits(options))
        try:
            tests = find_tests(map(Path, options["paths"]))
        except BadFileError as error:
            raise usage_error(str(error)) from error
        if not tests:
            raise usage_error(
                "no tests found: a test is x.vpl beside x.evt and x.expected.jsonl"
            )
        outcomes = []
        is_shared = not options["json"]
        with ProgressBar("testing", len(tests), is_shared=is_shared) as bar:
            for test in tests:
                outcomes.append(_run(test, limits, update=options["update"]))
                bar.update(len(outcomes))
                if not options["json"]:
                    self._show(outcomes[-1], is_verbose=options["verbose"])
        seconds = time.perf_counter() - started
        self._sum_up(outcomes, seconds, as_json=options["json"])
        if not all(outcome.passed for outcome in outcomes):
            sys.exit(FAILURE)

    def _show(self, outcome: Outcome, *, is_verbose: bool) -> None:
        good, bad = self.style.SUCCESS, self.style.ERROR
        word = good("ok") if outcome.passed else bad("FAILED")
        word = good("updated") if outcome.is_updated else word
        self.stdout.write(f"{outcome.test.program}: {word}")
        for line in _lines(outcome):
            self.stdout.write(f"    {line}")
        if is_verbose and outcome.printed:
            self.stdout.write(outcome.printed)

    def _sum_up(
        self, outcomes: list[Outcome], seconds: float, *, as_json: bool
    ) -> None:
        passed = sum(outcome.passed for outcome in outcomes)
        failed = len(outcomes) - passed
        if as_json:
            body = {
                "passed": passed,
                "failed": failed,
                "seconds": round(seconds, 3),
                "tests": list(map(_as_json, outcomes)),
            }
            self.stdout.write(json.dumps(body, ensure_ascii=False))
        else:
            self.stdout.write(f"{passed} passed, {failed} failed in {seconds:.2f} s")


def _run(test: ProgramTest, limits: Limits, *, update: bool) -> Outcome:
    name = str(test.program)
    source, files = read_text(name), ImportedFiles(name)
    try:
        return run_test(test, source, files, limits, update=update)
    except InvalidProgramError as error:
        text = render_diagnostics(error.diagnostics, source, name, files.texts)
        return Outcome(test, reasons=text.splitlines())
    except LoadError as error:
        return Outcome(test, reasons=[str(error)])


def _lines(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong, for people."""
    yield from outcome.reasons
    for difference in outcome.differences[:SHOWN]:
        yield from _difference(difference)
    more = len(outcome.differences) - SHOWN
    if more > 0:
        yield f"and {more} more"
    if outcome.differences:
        yield f"{outcome.expected} outputs were expected, {outcome.outputs} came"


def _difference(found: Difference) -> Iterator[str]:
    yield f"output {found.place} is {found.kind}:"
    if found.expected is not None:
        yield f"  {_REMOVED} {_text(found.expected)}"
    if found.got is not None:
        yield f"  {_ADDED} {_text(found.got)}"
    if found.expected is not None and found.got is not None:
        for name in found.fields:
            wanted, came = (
                _text(output[name]) if name in output else "nothing"
                for output in (found.expected, found.got)
            )
            yield f"  {name}: {wanted} was expected, {came} came"


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _as_json(outcome: Outcome) -> dict[str, Any]:
    body: dict[str, Any] = {
        "program": str(outcome.test.program),
        "passed": outcome.passed,
        "outputs": outcome.outputs,
        "expected": outcome.expected,
    }
    if outcome.is_updated:
        body["updated"] = True
    if outcome.reasons:
        body["reasons"] = outcome.reasons
    if outcome.differences:
        body["differences"] = [_difference_json(it) for it in outcome.differences]
    return body


def _difference_json(found: Difference) -> dict[str, Any]:
    body: dict[str, Any] = {"output": found.place, "kind": found.kind}
    if found.expected is not None:
        body["expected"] = found.expected
    if found.got is not None:
        body["got"] = found.got
    if found.fields:
        body["fields"] = found.fields
    return body
