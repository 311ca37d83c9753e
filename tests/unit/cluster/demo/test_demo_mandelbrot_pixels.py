"""Pixels are counted once, and impossible ones refused."""

import pytest

from cluster.demo.mandelbrot.pixels import Pixel, PixelBoard, PixelError
from cluster.demo.mandelbrot.program import Mandelbrot


def pixel(x: int, y: int, iterations: int = 3) -> Pixel:
    return Pixel(x, y, iterations, iterations < 9)


@pytest.fixture
def board() -> PixelBoard:
    return PixelBoard(Mandelbrot(4, 9))


def test_it_is_complete_with_the_last_pixel(board: PixelBoard) -> None:
    pixels = [pixel(x, y, x + y) for x in range(4) for y in range(4)]
    board.place(pixels[:15])
    assert not board.complete
    board.place(pixels[15:])
    assert board.complete
    assert board.count == 16
    assert board.iterations[1, 3] == 4
    assert board.iterations[3, 2] == 5


def test_it_takes_nothing_as_nothing(board: PixelBoard) -> None:
    board.place([])
    assert board.count == 0


@pytest.mark.parametrize(
    ("bunch", "says"),
    [
        ([pixel(4, 0)], "outside"),
        ([pixel(0, 4)], "outside"),
        ([pixel(-1, 0)], "outside"),
        ([pixel(0, 0, 10)], "contradicts"),
        ([Pixel(0, 0, 9, diverged=True)], "contradicts"),
        ([Pixel(0, 0, 8, diverged=False)], "contradicts"),
        ([pixel(1, 1), pixel(1, 1)], "twice"),
        ([pixel(2, 2), pixel(3, 3)], "twice"),
    ],
)
def test_it_refuses_a_bunch_as_a_whole(
    board: PixelBoard, bunch: list[Pixel], says: str
) -> None:
    board.place([pixel(3, 3)])
    with pytest.raises(PixelError, match=says):
        board.place(bunch)
    assert board.count == 1
