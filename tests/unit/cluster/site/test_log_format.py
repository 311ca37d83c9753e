"""The three forms of log lines."""

import json
import logging
import logging.config
import re
import sys

import pytest

from varpulis_site import log_format


def record(message: str = "hello %s") -> logging.LogRecord:
    return logging.LogRecord("varpulis", logging.INFO, "f", 1, message, ("you",), None)


def test_text_is_level_logger_and_message() -> None:
    formatter = logging.Formatter(log_format.TEXT)
    assert formatter.format(record()) == "INFO varpulis: hello you"


def test_full_puts_the_time_before_it() -> None:
    line = log_format.FullFormatter().format(record())
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf"{stamp} INFO varpulis: hello you", line)


def test_json_is_one_object_per_line() -> None:
    found = record("two\nlines of %s")
    found.fields = {"worker": "w"}
    line = log_format.JsonFormatter().format(found)
    assert "\n" not in line
    assert json.loads(line)["message"] == "two\nlines of you"
    assert json.loads(line)["worker"] == "w"


def test_json_carries_the_exception() -> None:
    found = record()
    try:
        raise ValueError("broken")
    except ValueError:
        found.exc_info = sys.exc_info()
    line = json.loads(log_format.JsonFormatter().format(found))
    assert "ValueError: broken" in line["exception"]


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("info", "INFO"),
        ("WARN", "WARNING"),
        ("varpulis=debug", "DEBUG"),
        ("info,varpulis=trace", "DEBUG"),
        ("nonsense", "INFO"),
    ],
)
def test_levels_are_understood_as_rust_writes_them(word: str, level: str) -> None:
    assert log_format.level_of(word) == level


@pytest.mark.parametrize("style", log_format.FORMATS)
def test_every_style_can_be_configured(style: str) -> None:
    config = log_format.logging_config(style, "INFO")
    assert config["handlers"]["stderr"]["formatter"] in config["formatters"]
    logging.config.DictConfigurator(config)
