"""`python -m bench`: measure, print a table, write bench/report/report.md."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, store
from bench.parts import PARTS, Part, named
from bench.progress import Display, showing
from bench.reporting import publish, show, write
from bench.result import QUICK, Effort, WrongOutputError
from bench.store import PartReport
from cluster.demo.errors import DemoError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if a part gave wrong outputs or did not run."""
    chosen = _parser().parse_args(arguments)
    folder = chosen.out or (None if chosen.quick else store.REPORT_FOLDER)
    reports = [] if chosen.render else _measured(chosen, folder)
    show(reports)
    if folder is not None:
        kept = store.load([part.name for part in PARTS], folder)
        print(f"wrote {write(kept, folder)}")
        if chosen.publish:
            print(f"wrote {publish(kept, folder)}")
    return 1 if any(report.failure for report in reports) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    known = [part.name for part in PARTS]
    parser.add_argument("only", nargs="*", choices=[*known, []], metavar="NAME",
                        help=f"of {', '.join(known)} (all)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="short and rough")
    parser.add_argument("--render", action="store_true",
                        help="measure nothing, write the report again")  # fmt: skip
    parser.add_argument("--publish", action="store_true",
                        help="put the report's figures into docs/performance.md")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="where the report goes (bench/report, quick: none)")  # fmt: skip
    return parser


def _measured(chosen: argparse.Namespace, folder: Path | None) -> list[PartReport]:
    effort = QUICK if chosen.quick else Effort()
    parts = named(chosen.only)
    reports = []
    with showing(len(parts), sum(part.about_s for part in parts)) as display:
        for part in parts:
            reports.append(run_part(part, effort, display))
            if folder is not None:
                store.save(reports[-1], folder)
    return reports


def run_part(part: Part, effort: Effort, display: Display) -> PartReport:
    """Return what one part found, or why it found nothing."""
    display.begin(part.title, part.about_s)
    began, load = datetime.now(UTC), machine.load()
    started = time.monotonic()
    failure, findings = None, []
    try:
        findings = list(part.run(effort))
    except (WrongOutputError, DemoError) as exc:
        failure = str(exc)
    except Exception as exc:  # one part must not end a run of minutes; all is printed
        failure = f"{type(exc).__name__}: {exc}"
        traceback.print_exc()
    seconds = time.monotonic() - started
    display.end(f"FAILED: {failure}" if failure else f"{seconds:.0f} s")
    return PartReport(
        part.name,
        part.title,
        began.isoformat(timespec="minutes"),
        seconds,
        (load, machine.load()),
        findings,
        failure,
    )


if __name__ == "__main__":
    sys.exit(main())
