"""What the first event costs a new process: `python -m bench.mandelbrot.first_call`.

Prints the seconds of wall time of the first and of the second call of a native
function in this process, compiling included, imports of the engine not.
"""

import json
import subprocess
import sys
import time

from bench.mandelbrot.compute import program
from bench.result import WrongOutputError, require
from cluster.demo.mandelbrot.program import Mandelbrot, tile_events
from engine import Event, compile_program

SMALL = Mandelbrot(size=8, max_iter=16)
TIMEOUT_S = 60.0


def measured(repeats: int) -> tuple[float, ...]:
    """Return the seconds of the first call, each in a process of its own."""
    return tuple(_in_child() for _ in range(repeats))


def _in_child() -> float:
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if done.returncode:
        raise WrongOutputError(f"first call: {done.stderr[-300:]}")
    return float(json.loads(done.stdout)["first"])


def main() -> None:
    """Measure, print JSON."""
    pipeline = compile_program(program(SMALL))
    pipeline.start()
    event = Event(next(tile_events())["event_type"], {})
    found = {}
    for name in ("first", "second"):
        started = time.perf_counter()
        reply = pipeline.inject(event)
        found[name] = time.perf_counter() - started
        require(reply.output_count, SMALL.tile_size**2, "pixels")
    pipeline.close(5.0)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
