#!/usr/bin/env python3
"""Print the group of the four programs in this folder, ready to be deployed.

usage: group.py [--no-mqtt | --mqtt HOST:PORT]   the group as JSON
       group.py --pixels                         how many pixels it computes in all

Standard library only, so that deploy.sh needs nothing but a Python.
"""

import argparse
import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROWS = range(4)


def program(row: int) -> str:
    return (FOLDER / f"mandelbrot_worker_{row}.vpl").read_text(encoding="utf-8")


def without_mqtt(source: str) -> str:
    """Leave out the connector and what is sent to it: pixels come in the replies."""
    kept = (
        line
        for line in source.splitlines(keepends=True)
        if not line.startswith("connector ") and not line.strip().startswith(".to(")
    )
    return "".join(kept)


def with_broker(source: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    return re.sub(
        r'host: "[^"]*", port: \d+', f"host: {json.dumps(host)}, port: {port}", source
    )


def pixels() -> int:
    sizes = [
        int(size)
        for row in ROWS
        for size in re.findall(r"process\(compute_tile\(\d+, \d+, (\d+),", program(row))
    ]
    return sum(size * size for size in sizes)


def group(options: argparse.Namespace) -> dict[str, object]:
    sources = [program(row) for row in ROWS]
    if options.no_mqtt:
        sources = [without_mqtt(source) for source in sources]
    elif options.mqtt:
        sources = [with_broker(source, options.mqtt) for source in sources]
    return {
        "name": "mandelbrot-distributed",
        "pipelines": [
            {"name": f"row{r}", "source": sources[r], "worker_affinity": f"worker-{r}"}
            for r in ROWS
        ],
        "routes": [
            {
                "from_pipeline": "_external",
                "to_pipeline": f"row{r}",
                "event_types": [f"ComputeTile{r}*"],
            }
            for r in ROWS
        ],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-mqtt", action="store_true")
    parser.add_argument("--mqtt", metavar="HOST:PORT")
    parser.add_argument("--pixels", action="store_true")
    chosen = parser.parse_args()
    print(pixels() if chosen.pixels else json.dumps(group(chosen), indent=2))
