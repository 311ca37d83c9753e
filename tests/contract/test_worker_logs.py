"""Coordinator and worker write log lines of one form (api.md 13)."""

import logging
import sys
from logging.config import DictConfigurator

import pytest

from engine.logs import FORMATS, FORMATTERS
from varpulis_site import log_format


def record(message, *args, error=None):
    return logging.LogRecord(
        "varpulis_cluster", logging.WARNING, __file__, 1, message, args, error
    )


def coordinator_formatter(form):
    config = log_format.logging_config(form, "INFO")
    return DictConfigurator(config).configure_formatter(config["formatters"][form])


def raised():
    try:
        raise ValueError("why")
    except ValueError:
        return sys.exc_info()


def test_both_have_the_same_forms():
    assert set(FORMATS) == set(FORMATTERS) == set(log_format.FORMATS)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("error", [None, raised()], ids=["plain", "exception"])
def test_both_write_the_same_line(form, error):
    entry = record("Registered as '%s'", "dépôt-7", error=error)
    worker = FORMATTERS[form]().format(entry)
    entry.exc_text = None
    assert worker == coordinator_formatter(form).format(entry)


def test_the_text_form_is_the_tutorials():
    assert FORMATTERS["text"]().format(record("hello")) == (
        "WARNING varpulis_cluster: hello"
    )
