"""Positions of editors count UTF-16 units from 0, ours code points from 1."""

import pytest

from engine.lsp.positions import Place, Point, Positions
from vpl import Span

TEXT = 'let a = "x"\nlet b = "\U0001f600\U0001f600" + c\n'


@pytest.mark.parametrize(
    ("place", "point"),
    [
        (Place(1, 1), Point(0, 0)),
        (Place(1, 5), Point(0, 4)),
        (Place(2, 10), Point(1, 9)),
        (Place(2, 11), Point(1, 11)),
        (Place(2, 15), Point(1, 16)),
    ],
)
def test_both_ways_agree(place: Place, point: Point) -> None:
    positions = Positions(TEXT)
    assert positions.point(place) == point
    assert positions.place(point) == place


def test_positions_beyond_the_text_move_to_its_end() -> None:
    positions = Positions("ab\nc")
    assert positions.place(Point(0, 99)) == Place(1, 3)
    assert positions.place(Point(9, 0)) == Place(2, 2)
    assert positions.end() == Point(1, 1)


def test_a_byte_order_mark_has_no_column() -> None:
    positions = Positions("\ufefflet a = 1")
    assert positions.point(Place(1, 1)) == Point(0, 1)
    assert positions.place(Point(0, 5)) == Place(1, 5)
    assert positions.text(Span(1, 5, 1, 6)) == "a"


def test_a_span_over_lines_has_no_text() -> None:
    assert Positions(TEXT).text(Span(1, 1, 2, 1)) == ""
