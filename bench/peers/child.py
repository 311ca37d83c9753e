"""Measures one peer on its tasks: run by the peers' interpreter.

`python -m bench.peers.child MODULE FOLDER REPEATS TASK..` reads NDJSON from the file
TASK.ndjson in FOLDER, writes the outputs of the first run to TASK.out, and prints the
seconds of CPU time of each later run by task, as JSON. One process for all tasks, since
importing a peer may take seconds.
"""

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

BATCH = 1000
Outputs = Callable[[str, list[bytes]], list[bytes]]


def main() -> None:
    """Measure what the command line says."""
    module, folder, repeats, *tasks = sys.argv[1:]
    outputs = importlib.import_module(f"bench.peers.{module}").outputs
    seconds = {}
    for task in tasks:
        batches = _batches(Path(folder) / f"{task}.ndjson")
        (Path(folder) / f"{task}.out").write_bytes(b"\n".join(outputs(task, batches)))
        seconds[task] = [_timed(outputs, task, batches) for _ in range(int(repeats))]
    print(json.dumps(seconds))


def _batches(path: Path) -> list[bytes]:
    lines = path.read_bytes().splitlines(keepends=True)
    return [b"".join(lines[at : at + BATCH]) for at in range(0, len(lines), BATCH)]


def _timed(outputs: Outputs, task: str, batches: list[bytes]) -> float:
    gc.collect()
    started = time.process_time()
    outputs(task, batches)
    return time.process_time() - started


if __name__ == "__main__":
    main()
