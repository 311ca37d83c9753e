"""`python -m bench`: run the benchmarks, print a table, write bench/report/."""

import argparse
import sys
import time

from bench import (
    engine_filter,
    footprint,
    heartbeats,
    inject,
    language,
    ndjson,
    report,
)
from bench.result import QUICK, Effort, Result, WrongOutputError
from cluster.demo.errors import DemoError

BENCHMARKS = {
    "engine": engine_filter.run,
    "language": language.run,
    "ndjson": ndjson.run,
    "inject": inject.run,
    "heartbeats": heartbeats.run,
    "footprint": footprint.run,
}


def main() -> int:
    """Run what was asked for; 1 if a benchmark gave wrong outputs or did not run."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME",
                        help=f"of {', '.join(BENCHMARKS)} (all)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="short and rough")
    chosen = parser.parse_args()
    effort = QUICK if chosen.quick else Effort()
    results: list[Result] = []
    failed = []
    for name in chosen.only or BENCHMARKS:
        started = time.monotonic()
        print(f"{name} ..", end=" ", flush=True)
        try:
            results += BENCHMARKS[name](effort)
        except (WrongOutputError, DemoError) as exc:
            failed.append(name)
            print(f"FAILED: {exc}", flush=True)
        else:
            print(f"{time.monotonic() - started:.0f} s", flush=True)
    report.show(results)
    if not chosen.only and not chosen.quick and not failed:
        print(f"wrote {report.write(results)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
