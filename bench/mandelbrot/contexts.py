"""16 contexts on one core and on two: `python -m bench.mandelbrot.contexts CORES SIZE
REPEATS` prints the seconds of wall time of each repeat."""

import json
import os
import subprocess
import sys
import time

import msgspec

from bench.mandelbrot.compute import check
from bench.result import WrongOutputError, require
from cluster.demo.mandelbrot.program import Mandelbrot, tile_events, whole_program
from engine import compile_program

TIMEOUT_S = 120.0


def measured(cores: int, picture: Mandelbrot, repeats: int) -> list[float]:
    """Return seconds of wall time of whole pictures, in a process kept on some cores."""
    command = [sys.executable, "-m", __name__]
    command += [str(cores), str(picture.size), str(repeats)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    if done.returncode:
        raise WrongOutputError(f"contexts on {cores} cores: {done.stderr[-300:]}")
    return list(json.loads(done.stdout))


def main() -> None:
    """Measure, print JSON; the first picture is compared with the formula."""
    cores, size, repeats = map(int, sys.argv[1:])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    picture = Mandelbrot(size=size)
    pipeline = compile_program(whole_program(picture))
    pipeline.start()
    events = b"\n".join(msgspec.json.encode(event) for event in tile_events())
    check(picture, pipeline.inject_batch(events, form="ndjson").outputs)
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        count = pipeline.inject_batch(events, form="ndjson").output_count
        seconds.append(time.perf_counter() - started)
        require(count, picture.pixel_count, "pixels")
    pipeline.close(5.0)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
