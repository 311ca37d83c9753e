"""The same picture by NumPy: what the pixels of the workers are held against."""

import hashlib

import numpy as np
import numpy.typing as npt

from cluster.demo.mandelbrot.program import Mandelbrot

Iterations = npt.NDArray[np.uint16]  # shape (size, size): [y, x]


def expected_iterations(picture: Mandelbrot) -> Iterations:
    """Return the iteration count of every pixel, shape (size, size), index [y, x].

    Each float operation is done in the order of the VPL program, one NumPy call
    for each, so no rounding differs and the counts are equal to the last one.
    """
    offsets = np.arange(picture.size, dtype=np.float64)  # exact: small integers
    cx = -2.0 + offsets * 3.0 / float(picture.size)
    cy = -1.5 + offsets * 3.0 / float(picture.size)
    rows = [_row(cx, float(y), picture.max_iter) for y in cy]
    return np.stack(rows)


def iterations_hash(iterations: Iterations) -> str:
    """Return the SHA-256 over shape and counts (16 bits, little-endian, row by row)."""
    digest = hashlib.sha256(repr(iterations.shape).encode())
    digest.update(iterations.astype("<u2").tobytes())
    return digest.hexdigest()


def _row(
    cx: npt.NDArray[np.float64], cy: float, max_iter: int
) -> npt.NDArray[np.uint16]:
    """Iterate one row; pixels that have escaped leave the arrays."""
    counts = np.full(cx.shape, max_iter, dtype=np.uint16)
    live = np.arange(cx.size)
    zr = np.zeros_like(cx)
    zi = np.zeros_like(cx)
    for i in range(max_iter):
        r2 = zr * zr
        i2 = zi * zi
        escaped = r2 + i2 > 4.0
        if escaped.any():
            counts[live[escaped]] = i
            kept = ~escaped
            live, cx = live[kept], cx[kept]
            zr, zi, r2, i2 = zr[kept], zi[kept], r2[kept], i2[kept]
            if not live.size:
                break
        zi = 2.0 * zr * zi + cy
        zr = r2 - i2 + cx
    return counts
