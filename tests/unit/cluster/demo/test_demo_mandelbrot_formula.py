"""The NumPy formula against the program's own loop, number by number."""

import numpy as np

from cluster.demo.mandelbrot.formula import expected_iterations, iterations_hash
from cluster.demo.mandelbrot.program import Mandelbrot


def scalar(cx: float, cy: float, max_iter: int) -> int:
    zr = zi = 0.0
    for i in range(max_iter):
        r2 = zr * zr
        i2 = zi * zi
        if r2 + i2 > 4.0:
            return i
        zi = 2.0 * zr * zi + cy
        zr = r2 - i2 + cx
    return max_iter


def test_it_counts_as_the_program_does() -> None:
    size = 36
    found = expected_iterations(Mandelbrot(size, 100))
    for y in range(size):
        for x in range(size):
            cx = -2.0 + x * 3.0 / float(size)
            cy = -1.5 + y * 3.0 / float(size)
            assert found[y, x] == scalar(cx, cy, 100), (x, y)


def test_it_shows_both_inside_and_outside() -> None:
    found = expected_iterations(Mandelbrot(60, 50))
    assert found.shape == (60, 60)
    assert (found == 50).any()
    assert (found < 5).any()


def test_it_ends_early_when_everything_has_escaped() -> None:
    assert expected_iterations(Mandelbrot(4, 65_535)).max() <= 65_535


def test_the_hash_sees_every_count_and_the_shape() -> None:
    counts = np.arange(16, dtype=np.uint16)
    other = counts.copy()
    other[7] += 1
    hashes = {
        iterations_hash(counts.reshape(4, 4)),
        iterations_hash(counts.reshape(2, 8)),
        iterations_hash(other.reshape(4, 4)),
        iterations_hash(counts.reshape(4, 4).T),
    }
    assert len(hashes) == 4
