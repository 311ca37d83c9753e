"""`varpulis server`: run a worker."""

import os
from typing import Any

from django.core.management.base import CommandParser

from engine.logs import FORMATS, configure_logging, level_from
from engine.management.command import EngineCommand, usage_error
from engine.worker.config import load_config
from engine.worker.options import OPTIONS, ConfigError, Option


class Command(EngineCommand):
    help = "Run a worker: pipelines behind an HTTP API, alone or in a cluster"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options of the table, as texts: the table reads them."""
        for option in OPTIONS:
            _declare(parser, option)
        parser.add_argument("--log-level", help="debug, info, warn or error")
        parser.add_argument("--log-format", choices=FORMATS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 2 if the worker cannot start as told, with 0 after a signal."""
        try:
            _configure_logging(options)
            config = load_config(options, os.environ)
        except ValueError as error:
            raise usage_error(str(error)) from error
        # After the configuration is known to be good: this import is most of the
        # time that a start takes.
        from engine.worker.server import run_worker

        try:
            run_worker(config)
        except ConfigError as error:
            raise usage_error(str(error)) from error
        except KeyboardInterrupt:
            return  # Ctrl+C before there was anything to finish


def _declare(parser: CommandParser, option: Option) -> None:
    names = [f"--{option.name}", *([option.short] if option.short else [])]
    default = f", default {option.default}" if option.default else ""
    text = f"{option.help} [{', '.join(option.variables)}{default}]"
    if option.flag:
        parser.add_argument(*names, action="store_true", default=None, help=text)
    elif option.repeated:
        parser.add_argument(*names, action="append", help=text)
    else:
        parser.add_argument(*names, help=text)


def _configure_logging(options: dict[str, Any]) -> None:
    level = options["log_level"] or level_from(os.environ)
    form = options["log_format"] or os.environ.get("VARPULIS_LOG_FORMAT") or None
    configure_logging(level, form)
