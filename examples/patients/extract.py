#!/usr/bin/env python3
"""Write the glucose readings of the package bokeh_sampledata as JSON lines.

Usage: extract.py [--days N] > readings.jsonl

The table is read from the package's files: pandas is not needed, and the package is
found without being imported. It has local times without a zone; they are taken as UTC.
"""

import argparse
import csv
import gzip
import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

PATIENT = "cgm-1"  # the table is of one person


def table() -> Path:
    """Return the path of the table; exits with a message if it is not installed."""
    found = importlib.util.find_spec("bokeh_sampledata")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / "_data" / "CGM.csv.gz"
        if path.is_file():
            return path
    sys.exit(
        "extract.py: the readings are in the PyPI package bokeh_sampledata, which is "
        "not installed: pip install bokeh_sampledata==2026.1"
    )


def readings(path: Path, days: int | None) -> Iterator[dict[str, object]]:
    """Yield the events of the first days, in the order of time."""
    end: datetime | None = None
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(f"{row['datetime']}+00:00")
            if end is None and days is not None:
                end = at + timedelta(days=days)
            if end is not None and at >= end:
                return
            yield _event(at, int(row["glucose"]))


def _event(at: datetime, glucose: int) -> dict[str, object]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"patient": PATIENT, "glucose": glucose, "at": stamp}
    return {"event_type": "Reading", "timestamp": stamp, "fields": fields}


def main() -> None:
    """Write to standard output."""
    parser = argparse.ArgumentParser(description="Glucose readings as JSON lines.")
    parser.add_argument("--days", type=int, metavar="N", help="only the first N days")
    for event in readings(table(), parser.parse_args().days):
        print(json.dumps(event))


if __name__ == "__main__":
    main()
