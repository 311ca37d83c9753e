"""Log lines of a worker, in the three forms of api.md section 13."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

FORMATS = ("text", "full", "json")
LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "off": logging.CRITICAL + 1,
}

# Line breaks from a user's text must not look like log lines of ours.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {
    10: "\\n",
    13: "\\r",
    9: "\t",
}


class TextFormatter(logging.Formatter):
    """`LEVEL logger: message`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return one line, whatever the message holds."""
        message = record.getMessage().translate(_CONTROL)
        return f"{record.levelname} {record.name}: {message}"


class FullFormatter(TextFormatter):
    """The text form with the time before it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return one line that starts with the UTC time."""
        return f"{_time(record)} {super().formatMessage(record)}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return at, level, logger, message and, if any, the exception."""
        line = {
            "at": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


FORMATTERS: Mapping[str, type[logging.Formatter]] = {
    "text": TextFormatter,
    "full": FullFormatter,
    "json": JsonFormatter,
}


def configure_logging(
    level: str = "info", form: str | None = None, stream: TextIO | None = None
) -> None:
    """Send all log lines of this process to `stream` (standard error).

    `form` is one of FORMATS; None means `text` on a terminal and `full` elsewhere.
    Raises ValueError for an unknown level or form.
    """
    target = stream or sys.stderr
    name = form or ("text" if target.isatty() else "full")
    if name not in FORMATTERS:
        raise ValueError(f"{name!r} is no log format: use {', '.join(FORMATS)}")
    if level.lower() not in LEVELS:
        raise ValueError(f"{level!r} is no log level: use debug, info, warn or error")
    handler = logging.StreamHandler(target)
    handler.setFormatter(FORMATTERS[name]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level.lower()])
    # The HTTP server speaks of processes and signals at INFO; ours are the lines
    # that users look for.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def level_from(environment: Mapping[str, str]) -> str:
    """Return the log level of VARPULIS_LOG_LEVEL, else RUST_LOG, else `info`.

    RUST_LOG may hold a list such as `warn,varpulis=debug`: our own entry counts
    before the general one.
    """
    if environment.get("VARPULIS_LOG_LEVEL"):
        return environment["VARPULIS_LOG_LEVEL"]
    general = "info"
    for entry in environment.get("RUST_LOG", "").split(","):
        target, equals, level = entry.strip().lower().partition("=")
        if equals and target == "varpulis" and level in LEVELS:
            return level
        if not equals and target in LEVELS:
            general = target
    return general


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
