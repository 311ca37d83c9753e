"""The VPL programs of the demo: one per row of tiles, one context per tile.

The picture of `size` x `size` pixels shows [-2, 1] x [-1.5, 1.5]. It is cut into
4 x 4 tiles; the program of a row computes its four tiles when the event
`ComputeTile<row><column>` arrives and emits one `Pixel` event per pixel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

GRID = 4  # tiles per side
GROUP_NAME = "mandelbrot-distributed"
MIN_SIZE = GRID
MAX_SIZE = 2000  # one tile of 500 x 500 pixels is a reply of about 18 MB
MAX_ITERATIONS = 65_535  # counts are kept in 16 bits

_CONNECTOR = 'connector MqttOut = mqtt (host: "{host}", port: {port}, client_id: "mandelbrot-w{row}")\n\n'

_FUNCTIONS = """
fn mandelbrot(cx: float, cy: float, max_iter: int) -> int:
    var zr = 0.0
    var zi = 0.0
    var i = 0
    while i < max_iter:
        let r2 = zr * zr
        let i2 = zi * zi
        if r2 + i2 > 4.0:
            return i
        zi := 2.0 * zr * zi + cy
        zr := r2 - i2 + cx
        i := i + 1
    return max_iter

fn compute_tile(x_off: int, y_off: int, size: int, max_iter: int):
    for px in 0..size:
        for py in 0..size:
            let cx = -2.0 + (x_off + px) * 3.0 / {size}.0
            let cy = -1.5 + (y_off + py) * 3.0 / {size}.0
            let iters = mandelbrot(cx, cy, max_iter)
            emit Pixel(x: x_off + px, y: y_off + py, iterations: iters, diverged: iters < max_iter)
"""

_STREAM = """
stream Tile{tile} = ComputeTile{tile}
    .context(t{tile})
    .process(compute_tile({x}, {y}, {tile_size}, {max_iter}))
"""


@dataclass(frozen=True)
class MqttSink:
    """The broker that pixels go to, besides the reply."""

    host: str = "localhost"
    port: int = 1883
    topic: str = "mandelbrot/pixels"


@dataclass(frozen=True)
class Mandelbrot:
    """One picture: `size` pixels per side, a multiple of 4; `max_iter` steps."""

    size: int = 1000
    max_iter: int = 256

    def __post_init__(self) -> None:
        """Refuse what the programs cannot compute; raises ValueError."""
        if self.size % GRID or not MIN_SIZE <= self.size <= MAX_SIZE:
            raise ValueError(
                f"size {self.size} does not do: a multiple of {GRID} "
                f"from {MIN_SIZE} to {MAX_SIZE} is needed"
            )
        if not 1 <= self.max_iter <= MAX_ITERATIONS:
            raise ValueError(
                f"max-iter {self.max_iter} does not do: 1 to {MAX_ITERATIONS} is needed"
            )

    @property
    def tile_size(self) -> int:
        """Pixels per side of a tile."""
        return self.size // GRID

    @property
    def pixel_count(self) -> int:
        """Pixels of the whole picture."""
        return self.size * self.size


def row_program(picture: Mandelbrot, row: int, sink: MqttSink | None = None) -> str:
    """Return the VPL program that computes the four tiles of one row."""
    return _program(picture, [row], sink)


def whole_program(picture: Mandelbrot, sink: MqttSink | None = None) -> str:
    """Return one program with all 16 tiles and contexts: the baseline of bench.py."""
    return _program(picture, list(range(GRID)), sink)


def group_spec(
    picture: Mandelbrot, workers: int, sink: MqttSink | None = None
) -> dict[str, Any]:
    """Return the group: pipelines row0..row3 spread over worker-0..worker-(n-1)."""
    return {
        "name": GROUP_NAME,
        "pipelines": [
            {
                "name": f"row{row}",
                "source": row_program(picture, row, sink),
                "worker_affinity": f"worker-{row % workers}",
            }
            for row in range(GRID)
        ],
        "routes": [
            {
                "from_pipeline": "_external",
                "to_pipeline": f"row{row}",
                "event_types": [f"ComputeTile{row}*"],
            }
            for row in range(GRID)
        ],
    }


def tile_events() -> Iterator[dict[str, Any]]:
    """Yield the 16 events that set off the tiles.

    Column by column: neighbours in time are then computed by different workers.
    """
    for column in range(GRID):
        for row in range(GRID):
            yield {"event_type": f"ComputeTile{row}{column}", "fields": {}}


def _program(picture: Mandelbrot, rows: list[int], sink: MqttSink | None) -> str:
    tiles = [(row, column) for row in rows for column in range(GRID)]
    last = GRID - 1
    text = "".join(
        f"# Worker {row} handles row {row}: tiles (0,{row}) through ({last},{row})\n"
        for row in rows
    )
    text += "\n"
    if sink is not None:
        text += _CONNECTOR.format(host=sink.host, port=sink.port, row=rows[0])
    text += "".join(f"context t{row}{column}\n" for row, column in tiles)
    text += _FUNCTIONS.format(size=picture.size)
    return text + "".join(_stream(picture, tile, sink) for tile in tiles)


def _stream(picture: Mandelbrot, tile: tuple[int, int], sink: MqttSink | None) -> str:
    row, column = tile
    text = _STREAM.format(
        tile=f"{row}{column}",
        x=column * picture.tile_size,
        y=row * picture.tile_size,
        tile_size=picture.tile_size,
        max_iter=picture.max_iter,
    )
    if sink is not None:
        text += f'    .to(MqttOut, topic: "{sink.topic}")\n'
    return text
