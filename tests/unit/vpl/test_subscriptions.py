"""Where `.from` may stand and what it takes."""

import pytest

from vpl import check

C = 'connector C = mqtt (host: "h")\n'


def codes(source: str) -> list[str]:
    result = check(C + source)
    return sorted({d.code for d in result.diagnostics if d.code != "E090"})


@pytest.mark.parametrize(
    "source",
    [
        "stream S = A.from(C).emit()",
        "stream S = A as a .from(C, topic: 'x', qos: 1).emit()",
        "const T = 'x/#'\nstream S = A.from(C, topic: T).emit()",
        "stream S = A.from(C, time_field: ts, time_unit: us).emit()",
        "stream S = A.from(C) -> B.from(C)",
    ],
)
def test_a_source_after_an_event_name_is_fine(source: str) -> None:
    assert codes(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "stream S = merge(A, B).from(C).emit()",
        "stream S = timer(5s).from(C).emit()",
        "stream S = join(A, B).on(A.k == B.k).from(C)",
        "stream S = sequence(a: A, b: B).from(C)",
    ],
)
def test_a_source_needs_the_name_of_an_event(source: str) -> None:
    assert codes(source) == ["E081"]


def test_the_topic_of_a_source_is_a_constant() -> None:
    assert codes("stream S = A.from(C, topic: 'x/' + unit).emit()") == ["E062"]
    assert codes("stream S = A.from(C, topic: f(1)).emit()\nfn f(x): x") == ["E062"]


@pytest.mark.parametrize("unit", ["'min'", "5", "hours"])
def test_an_unknown_time_unit_is_a_warning(unit: str) -> None:
    source = f"stream S = A.from(C, time_field: 'at', time_unit: {unit}).emit()"
    assert codes(source) == ["W081"]


def test_the_topic_of_a_source_is_a_text() -> None:
    assert codes("stream S = A.from(C, topic: 5).emit()") == ["W081"]
