"""Operations that look at events and pass them on (vpl.md 8.3, log, tap, map)."""

import logging

import pytest

from engine import compile_program
from engine.runtime.taps import MAX_SERIES
from tests.unit.engine.programs import outputs_for, outputs_of


def test_log_writes_message_and_data_at_its_level(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = 'stream S = In .log(level: "warn", message: "hot " + u, data: v) .emit(v)'
    with caplog.at_level(logging.INFO, logger="varpulis.stream"):
        assert outputs_of(source, {"u": "b1", "v": 3}) == [{"event_type": "S", "v": 3}]
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "S: hot b1 3")


def test_log_alone_writes_the_whole_event(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="varpulis.stream"):
        outputs_of("stream S = In .log() .emit(v)", {"v": 3, "w": "x"})
    (record,) = caplog.records
    assert record.getMessage() == 'S: {v: 3, w: "x"}'


def test_an_unknown_level_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = compile_program("stream S = In .log(level: l, message: v) .emit(v)")
    with caplog.at_level(logging.DEBUG, logger="varpulis.stream"):
        outputs_for(pipeline, {"l": "loud", "v": 1}, {"l": "error", "v": 2})
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert pipeline.metrics().streams["S"].eval_errors == {"argument": 1}


def test_tap_counts_by_labels_and_passes_everything() -> None:
    pipeline = compile_program('stream S = In .tap(counter: "n", labels: [u]) .emit(u)')
    found = outputs_for(pipeline, {"u": "a"}, {"u": "b"}, {"u": "a"})
    assert len(found) == 3
    assert pipeline.metrics().streams["S"].taps == {
        ("n", (("u", "a"),)): 2,
        ("n", (("u", "b"),)): 1,
    }


def test_tap_keeps_the_number_of_series_bounded() -> None:
    pipeline = compile_program('stream S = In .tap(counter: "n", labels: [u])')
    outputs_for(pipeline, *({"u": at} for at in range(MAX_SERIES + 5)))
    taps = pipeline.metrics().streams["S"].taps
    assert len(taps) == MAX_SERIES + 1
    assert taps["n", (("u", "other"),)] == 5


def test_map_replaces_the_fields_by_a_map() -> None:
    source = "stream S = In .map(e => {twice: e.v * 2, old: v}) .emit()"
    assert outputs_of(source, {"v": 2, "w": 1}) == [
        {"event_type": "S", "twice": 4, "old": 2}
    ]


def test_map_makes_a_field_of_other_kinds_and_drops_null() -> None:
    source = "stream S = In .map(v) .emit(value, v)"
    assert outputs_of(source, {"v": 2}, {"w": 1}, {"v": {"v": 7}}) == [
        {"event_type": "S", "value": 2},
        {"event_type": "S", "v": 7},
    ]


def test_map_takes_a_lambda_from_a_variable() -> None:
    source = "let f = e => {n: e.v + 1}\nstream S = In .map(f) .emit(n)"
    assert outputs_of(source, {"v": 2}) == [{"event_type": "S", "n": 3}]


def test_a_mapped_event_flows_on_as_its_stream() -> None:
    source = "stream S = In .map({v: v, k: event_type})\nstream T = S .emit(v, k, t: event_type)"
    assert outputs_of(source, {"v": 2}) == [
        {"event_type": "T", "v": 2, "k": "In", "t": "S"}
    ]
