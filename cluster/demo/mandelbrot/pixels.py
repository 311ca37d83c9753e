"""Pixels as they arrive: each counted, none twice, none from outside."""

import threading
from collections.abc import Sequence

import msgspec
import numpy as np

from cluster.demo.mandelbrot.formula import Iterations
from cluster.demo.mandelbrot.program import Mandelbrot


class Pixel(msgspec.Struct, tag_field="event_type", tag="Pixel", gc=False):
    """One `Pixel` event as the program emits it."""

    x: int
    y: int
    iterations: int
    diverged: bool


class PixelError(Exception):
    """A pixel that cannot be: outside the picture, or one that came before."""


class PixelBoard:
    """The picture while it fills. Any thread may place pixels."""

    def __init__(self, picture: Mandelbrot) -> None:
        self.picture = picture
        self._lock = threading.Lock()
        shape = (picture.size, picture.size)
        self._iterations = np.zeros(shape, dtype=np.uint16)
        self._arrived = np.zeros(shape, dtype=np.bool_)
        self.count = 0  # distinct pixels so far

    @property
    def complete(self) -> bool:
        """Whether every pixel has arrived."""
        return self.count == self.picture.pixel_count

    @property
    def iterations(self) -> Iterations:
        """The counts, index [y, x]; zero where nothing has arrived yet."""
        return self._iterations

    def place(self, pixels: Sequence[Pixel]) -> None:
        """Put a bunch of pixels on the board, all or none.

        Raises PixelError on a pixel outside the picture, an impossible count, a
        `diverged` that contradicts it, or one that has arrived before.
        """
        if not pixels:
            return
        columns = np.array(
            [(p.x, p.y, p.iterations, p.diverged) for p in pixels], dtype=np.int64
        )
        x, y, counts, diverged = columns.T
        size, max_iter = self.picture.size, self.picture.max_iter
        if columns.min() < 0 or max(x.max(), y.max()) >= size:
            raise PixelError(f"a pixel lies outside the {size} x {size} picture")
        if counts.max() > max_iter or ((counts < max_iter) != diverged).any():
            raise PixelError("a pixel contradicts itself: iterations and diverged")
        with self._lock:
            self._refuse_repeats(x * size + y)
            if self._arrived[y, x].any():
                raise PixelError("pixels arrived twice")
            self._iterations[y, x] = counts
            self._arrived[y, x] = True
            self.count += len(pixels)

    @staticmethod
    def _refuse_repeats(places: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        if len(np.unique(places)) != len(places):
            raise PixelError("one bunch holds the same pixel twice")
