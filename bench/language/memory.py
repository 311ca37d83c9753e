"""Bytes that an open window key and a run of a pattern take.

Each figure comes from a process of its own: `python -m bench.language.memory
window|run COUNT traced|resident` prints it.
"""

import gc
import subprocess
import sys
import tracemalloc

import psutil

from bench.finding import Curve
from bench.language import sequences, windows
from bench.language.populations import logins, readings
from bench.result import Result, WrongOutputError, require
from bench.workload import batches
from engine import Limits, Pipeline, compile_program

BATCH = 1000
TIMEOUT_S = 300.0
WARM = 1000  # of the kind that is counted, before it is


POINTS = (1000, 10_000, 100_000)


def curves(points: tuple[int, ...] = POINTS) -> list[Curve]:
    """Return bytes per state, by the number of states."""
    return [
        Curve(
            name,
            "states",
            points,
            tuple((_in_child(kind, count, "traced"),) for count in points),
            "B",
            "number of states compared with the events sent",
        )
        for kind, name in (("window", "an open window key"), ("run", "a pattern run"))
    ]


def measure(count: int) -> list[Result]:
    """Return bytes per open window key and per run, with `count` of them."""
    return [
        _measured("window", "memory per open window key", 400, count),
        _measured("run", "memory per pattern run", 600, count),
    ]


def _measured(kind: str, name: str, target: float, count: int) -> Result:
    traced, resident = (_in_child(kind, count, how) for how in ("traced", "resident"))
    return Result(
        name,
        "B",
        (traced,),
        better="less",
        target=target,
        checked="number of states compared with the events sent",
        note=f"allocations of {count:,} (tracemalloc), their keys and rows included; "
        f"resident memory grows by {resident:.0f} B each",
    )


def _in_child(kind: str, count: int, how: str) -> float:
    command = [sys.executable, "-m", __name__, kind, str(count), how]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode:
        raise WrongOutputError(f"memory of a {kind}: {done.stderr[-300:]}")
    return float(done.stdout)


def per_state(kind: str, count: int, how: str) -> float:
    """Return bytes per state of `kind`, measured in this process."""
    if kind == "window":
        program, lines = windows.PROGRAM, readings(range(WARM + count))
    else:
        program, lines = sequences.PROGRAM, logins(range(WARM + count))
    payloads = batches(lines, BATCH)
    pipeline = compile_program(program, limits=Limits(runs=WARM + count))
    warm = WARM // BATCH
    _feed(pipeline, payloads[:warm])
    if how == "traced":
        tracemalloc.start()
    size = _traced if how == "traced" else _resident
    before = size()
    _feed(pipeline, payloads[warm:])
    used = size() - before
    tracemalloc.stop()
    require(_states(pipeline, kind), WARM + count, "number of states")
    pipeline.close(5.0)
    return used / count


def _feed(pipeline: Pipeline, payloads: list[bytes]) -> None:
    for payload in payloads:
        pipeline.inject_batch(payload, form="ndjson").to_json_bytes()


def _states(pipeline: Pipeline, kind: str) -> int:
    """Return how many there are: windows leave when time runs out, runs are counted."""
    if kind == "window":
        return len(pipeline.flush().outputs)
    [stream] = pipeline.metrics().streams.values()
    return stream.counts["runs_active"]


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    print(per_state(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
