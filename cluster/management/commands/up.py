"""Run a coordinator and workers on this machine, until Ctrl+C."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.demo import up
from cluster.demo.errors import DemoError, UsageError
from cluster.demo.exit_status import exit_status
from cluster.demo.signals import interrupted_by_signals


class Command(BaseCommand):
    """Starts the processes, deploys a group if asked, and relays their lines."""

    help = "Run a coordinator and workers on this machine, until Ctrl+C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each is also read from VARPULIS_<ITS NAME>."""
        add = parser.add_argument
        add("-n", "--workers", help="number of workers (2)")
        add("--port", help="the coordinator's port (9100)")
        add("--worker-port", help="port of worker-0, the others follow (9000)")
        add("--api-key", help="the coordinator's key (admin); @FILE reads it")
        add("--worker-key", help="the workers' key (test); @FILE reads it")
        add("-f", "--file", type=Path, help="a group spec to deploy (JSON or YAML)")
        add("--open", action="store_true", help="open the topology in a browser")
        add("--ephemeral", action="store_true", help="keep nothing when stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted; exits 1 on a failure, 2 on a wrong request."""
        try:
            with interrupted_by_signals():
                up.run(_request(options))
        except KeyboardInterrupt:
            return
        except DemoError as exc:
            self.stderr.write(f"varpulis up: {exc}")
            sys.exit(exit_status(exc))


def _request(options: dict[str, Any]) -> up.Request:
    return up.Request(
        workers=_number(options, "workers", 2),
        port=_number(options, "port", 9100),
        worker_port=_number(options, "worker_port", 9000),
        api_key=_key(options, "api_key", up.DEFAULT_API_KEY),
        worker_key=_key(options, "worker_key", up.DEFAULT_WORKER_KEY),
        spec_path=options["file"],
        open_browser=options["open"],
        ephemeral=options["ephemeral"],
    )


def _text(options: dict[str, Any], name: str) -> str:
    return options[name] or os.environ.get(f"VARPULIS_{name.upper()}", "")


def _number(options: dict[str, Any], name: str, default: int) -> int:
    text = _text(options, name)
    if text and not text.isdigit():
        raise UsageError(f"--{name.replace('_', '-')} {text}: a number is needed")
    return int(text) if text else default


def _key(options: dict[str, Any], name: str, default: str) -> str:
    text = _text(options, name)
    if not text.startswith("@"):
        return text or default
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise UsageError(f"cannot read the key in {text[1:]}: {exc.strerror}") from exc
