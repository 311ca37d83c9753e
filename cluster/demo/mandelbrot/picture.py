"""Iteration counts to a PNG file: palette, and the few chunks the format needs."""

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cluster.demo.mandelbrot.formula import Iterations

# Position on the palette (0..1) and colour: night, sea, foam, sand, ember, night.
_STOPS = (
    (0.00, (3, 5, 24)),
    (0.22, (8, 18, 66)),
    (0.34, (20, 62, 142)),
    (0.46, (66, 156, 212)),
    (0.58, (236, 248, 238)),
    (0.70, (255, 192, 72)),
    (0.84, (176, 56, 28)),
    (1.00, (48, 10, 34)),
)
_INSIDE = (3, 3, 10)  # colour of pixels that never escaped
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_png(path: Path, iterations: Iterations, max_iter: int) -> None:
    """Write the picture as an RGB PNG; raises OSError if the file cannot be."""
    path.write_bytes(encode_png(colours(iterations, max_iter)))


def colours(iterations: Iterations, max_iter: int) -> npt.NDArray[np.uint8]:
    """Return RGB values, shape (height, width, 3), index [y, x].

    Counts go on the palette by their logarithm: near the set they double over a
    few pixels, far from it they hardly change, and both should show.
    """
    counts = np.arange(max_iter + 1, dtype=np.float64)
    place = np.log1p(counts) / np.log1p(float(max_iter))
    positions = np.array([position for position, _ in _STOPS])
    channels = np.array([colour for _, colour in _STOPS], dtype=np.float64).T
    table = np.stack([np.interp(place, positions, c) for c in channels], axis=-1)
    table[max_iter] = _INSIDE
    return table.round().astype(np.uint8)[iterations]


def encode_png(rgb: npt.NDArray[np.uint8]) -> bytes:
    """Return the bytes of a PNG file (8 bits per channel, RGB, not interlaced)."""
    height, width, _ = rgb.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    filter_none = np.zeros((height, 1), dtype=np.uint8)
    lines = np.concatenate([filter_none, rgb.reshape(height, width * 3)], axis=1)
    return b"".join((
        _PNG_SIGNATURE,
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
        _chunk(b"IEND", b""),
    ))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )
