"""The pixels inside `.process`, one thread."""

import re
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from bench.mandelbrot.baselines import Counts
from bench.result import WrongOutputError, require
from cluster.demo.mandelbrot.formula import expected_iterations
from cluster.demo.mandelbrot.program import Mandelbrot, tile_events, whole_program
from engine import Pipeline, compile_program


def program(picture: Mandelbrot) -> str:
    """Return the program of the demo with all tiles, but without contexts."""
    text = whole_program(picture)
    text = re.sub(r"^context .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^    \.context\(.*\)\n", "", text, flags=re.MULTILINE)


def seconds(picture: Mandelbrot, repeats: int) -> tuple[float, ...]:
    """Return the seconds of CPU time of each repeat, after the first, which is checked.

    Raises `WrongOutputError`.
    """
    events = [msgspec.json.encode(event) for event in tile_events()]
    pipeline = compile_program(program(picture))
    try:
        check(picture, _outputs(pipeline, events))
        found = []
        for _ in range(repeats):
            started = time.process_time()
            count = sum(
                pipeline.inject_batch(event, form="ndjson").output_count
                for event in events
            )
            found.append(time.process_time() - started)
            require(count, picture.pixel_count, "pixels")
        return tuple(found)
    finally:
        pipeline.close(5.0)


def _outputs(pipeline: Pipeline, events: list[bytes]) -> Iterable[dict[str, Any]]:
    for event in events:
        yield from pipeline.inject_batch(event, form="ndjson").outputs


def check(picture: Mandelbrot, pixels: Iterable[dict[str, Any]]) -> Counts:
    """Return the counts; WrongOutputError unless each is the formula's, once."""
    wanted = expected_iterations(picture)
    found = np.full_like(wanted, 0)
    seen = np.zeros(wanted.shape, dtype=np.uint8)
    for pixel in pixels:
        place = pixel["y"], pixel["x"]
        found[place] = pixel["iterations"]
        seen[place] += 1
        if pixel["diverged"] != (pixel["iterations"] < picture.max_iter):
            raise WrongOutputError(f"pixel {pixel} contradicts itself")
    require(int((seen != 1).sum()), 0, "pixels that did not come exactly once")
    require(int((found != wanted).sum()), 0, "pixels that differ from the formula")
    return found
