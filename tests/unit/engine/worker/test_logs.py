"""Log lines, literally."""

import io
import json
import logging

import pytest

from engine.logs import configure_logging, level_from


@pytest.fixture
def stream():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    uvicorn_level = logging.getLogger("uvicorn").level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(uvicorn_level)


def test_text_is_exactly_level_logger_message(stream):
    configure_logging("info", "text", stream)
    logging.getLogger("varpulis_cluster").info("Registered as '%s'", "w-0")
    assert stream.getvalue() == "INFO varpulis_cluster: Registered as 'w-0'\n"


def test_full_puts_the_time_before_it_and_is_the_default_off_a_terminal(stream):
    configure_logging("info", None, stream)
    logging.getLogger("varpulis").warning("careful")
    moment, rest = stream.getvalue().split(" ", 1)
    assert rest == "WARNING varpulis: careful\n"
    assert len(moment) == len("2026-03-02T08:24:41.507Z")


def test_json_is_one_object_per_line(stream):
    configure_logging("info", "json", stream)
    logging.getLogger("varpulis").error("two\nlines")
    line = json.loads(stream.getvalue())
    assert line["level"] == "ERROR"
    assert line["message"] == "two\nlines"


def test_a_line_break_in_a_message_does_not_start_a_new_line(stream):
    configure_logging("info", "text", stream)
    logging.getLogger("varpulis").info("name '%s'", "x\nINFO varpulis: forged")
    assert stream.getvalue().count("\n") == 1


def test_an_unknown_format_is_named(stream):
    with pytest.raises(ValueError, match="yaml"):
        configure_logging("info", "yaml", stream)


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({}, "info"),
        ({"RUST_LOG": "debug"}, "debug"),
        ({"RUST_LOG": "warn,varpulis=debug"}, "debug"),
        ({"RUST_LOG": "hyper=warn"}, "info"),
        ({"RUST_LOG": "debug", "VARPULIS_LOG_LEVEL": "error"}, "error"),
    ],
)
def test_the_level_comes_from_the_environment(environment, level):
    assert level_from(environment) == level
