"""How log lines look: `text`, `full` and `json` (api.md 13)."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

TEXT = "%(levelname)s %(name)s: %(message)s"
FULL = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FORMATS = ("text", "full", "json")
LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "CRITICAL",
    "off": "CRITICAL",
}


def _utc(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FullFormatter(logging.Formatter):
    """The text form with the time (RFC 3339, UTC) before it."""

    def __init__(self) -> None:
        super().__init__(FULL)

    def formatTime(  # noqa: N802 - the name is the standard library's
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Return the time of the record."""
        return _utc(record.created)


class JsonFormatter(logging.Formatter):
    """One JSON object per line; `extra={"fields": {..}}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "at": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = getattr(record, "fields", None)
        if isinstance(extra, dict):
            line.update(extra)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def level_of(word: str) -> str:
    """Return Python's name of a log level; the last word of RUST_LOG filters counts.

    `info`, `WARN` and `varpulis=debug,info` are all understood; what is not is
    treated as `info`, because a log level should never stop a process.
    """
    last = word.split(",")[-1].split("=")[-1].strip().lower()
    return LEVELS.get(last, "INFO")


def default_format() -> str:
    """Return `text` on a terminal, `full` elsewhere (a file, a service manager)."""
    return "text" if sys.stderr.isatty() else "full"


def logging_config(style: str, level: str) -> dict[str, Any]:
    """Return the dictConfig that sends everything to stderr in one style."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": TEXT},
            "full": {"()": "varpulis_site.log_format.FullFormatter"},
            "json": {"()": "varpulis_site.log_format.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "varpulis": {"level": level},
            "varpulis_cluster": {"level": level},
            # uvicorn tells each start and each socket at INFO: noise to a reader.
            "uvicorn": {"level": "WARNING"},
            "uvicorn.error": {"level": "WARNING"},
            "django": {"handlers": [], "level": "WARNING"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
