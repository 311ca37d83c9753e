"""The PNG file, read back by hand."""

import struct
import zlib
from pathlib import Path

import numpy as np

from cluster.demo.mandelbrot.picture import colours, encode_png, write_png


def chunks(png: bytes) -> dict[bytes, bytes]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + content)
        found[kind] = content
        at += 12 + length
    return found


def test_it_holds_every_pixel() -> None:
    rgb = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    found = chunks(encode_png(rgb))
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (5, 3, 8, 2, 0, 0, 0)
    lines = zlib.decompress(found[b"IDAT"])
    assert lines == b"".join(b"\0" + row.tobytes() for row in rgb)
    assert list(found) == [b"IHDR", b"IDAT", b"IEND"]


def test_points_of_the_set_are_dark_and_counts_differ_in_colour() -> None:
    rgb = colours(np.array([[0, 1, 20, 255, 256]], dtype=np.uint16), 256)[0]
    assert rgb[-1].max() < 32
    assert len({tuple(colour) for colour in rgb.tolist()}) == 5


def test_it_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    write_png(path, np.zeros((2, 2), dtype=np.uint16), 8)
    assert b"IDAT" in chunks(path.read_bytes())
