"""Progress where there is no terminal."""

import io

from cluster.demo.progress import progress


def test_it_prints_a_line_per_tenth() -> None:
    stream = io.StringIO()
    with progress("pixels", 200, stream) as advance:
        for _ in range(200):
            advance(1)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "pixels: 20 of 200 (10 %)"
    assert lines[-1] == "pixels: 200 of 200 (100 %)"
    assert len(lines) == 10


def test_it_prints_one_line_for_a_great_step() -> None:
    stream = io.StringIO()
    with progress("pixels", 200, stream) as advance:
        advance(150)
        advance(5)
    assert stream.getvalue() == "pixels: 150 of 200 (75 %)\n"


def test_it_draws_a_bar_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with progress("pixels", 200, stream) as advance:
        advance(200)
    assert "200/200" in stream.getvalue()
