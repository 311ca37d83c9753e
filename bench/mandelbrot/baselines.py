"""The same pixels by scalar C, by NumPy and by plain Python."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.result import WrongOutputError
from bench.timing import cpu_seconds
from cluster.demo.mandelbrot.formula import expected_iterations
from cluster.demo.mandelbrot.program import Mandelbrot

SOURCE = Path(__file__).with_name("scalar.c")
# Contracting to fused operations would round differently than every other contender.
FLAGS = ("-O3", "-ffp-contract=off")
STRIDE = 5  # plain Python computes every fifth pixel of each direction
Counts = npt.NDArray[np.uint16]  # shape (size, size): [y, x]


@dataclass(frozen=True)
class ByC:
    """What the compiled program found, and its seconds of CPU time."""

    counts: Counts
    seconds: tuple[float, ...]


def by_c(picture: Mandelbrot, repeats: int) -> ByC | None:
    """Compile and run the C program; None if there is no gcc."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory(prefix="varpulis-c-") as folder:
        program, written = Path(folder) / "scalar", Path(folder) / "counts"
        _run([compiler, *FLAGS, "-o", str(program), str(SOURCE)])
        sizes = (picture.size, picture.max_iter, repeats)
        printed = _run([str(program), *map(str, sizes), str(written)])
        counts = np.fromfile(written, dtype=np.uint16)
    shape = (picture.size, picture.size)
    return ByC(counts.reshape(shape), tuple(map(float, printed.split())))


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise WrongOutputError(f"{command[0]}: {done.returncode} {done.stderr[-300:]}")
    return done.stdout


def by_numpy_s(picture: Mandelbrot) -> float:
    """Return seconds of CPU time of the formula by NumPy, row by row."""
    return cpu_seconds(lambda: expected_iterations(picture), 1)[0]


def by_python_s(picture: Mandelbrot) -> float:
    """Return seconds of CPU time for all pixels, from every fifth of each direction."""
    places = range(0, picture.size, STRIDE)
    share = len(places) ** 2 / picture.pixel_count

    def work() -> list[tuple[int, int, int, bool]]:
        return [_pixel(picture, x, y) for x in places for y in places]

    return cpu_seconds(work, 1)[0] / share


def _pixel(picture: Mandelbrot, x: int, y: int) -> tuple[int, int, int, bool]:
    cx = -2.0 + x * 3.0 / picture.size
    cy = -1.5 + y * 3.0 / picture.size
    zr = zi = 0.0
    i = 0
    while i < picture.max_iter:
        r2 = zr * zr
        i2 = zi * zi
        if r2 + i2 > 4.0:
            break
        zi = 2.0 * zr * zi + cy
        zr = r2 - i2 + cx
        i += 1
    return x, y, i, i < picture.max_iter
