"""What the commands of the engine have in common."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

FAILURE = 1
USAGE = 2
NO_CONNECTION = 3


class EngineCommand(BaseCommand):
    """A command that needs neither database nor system checks.

    Its own short options (`-v`, `-c`) win over Django's. Exit codes: 0 ok, 1 failure,
    2 usage or configuration, 3 cannot connect. A reader of standard output that goes
    away ends the command without a word.
    """

    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """Return the parser; own options replace Django's of the same name."""
        return super().create_parser(
            prog_name, subcommand, conflict_handler="resolve", **kwargs
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command."""
        try:
            return super().execute(*args, **options)
        except BrokenPipeError:
            # What is still buffered has nobody to go to when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILURE)


def usage_error(message: str) -> CommandError:
    """Return the error that ends a command with status 2."""
    return CommandError(message, returncode=USAGE)


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises CommandError (status 2) if it cannot be read as UTF-8.
    """
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise usage_error(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise usage_error(f"{path} is not UTF-8 text: {error}") from error


def shown_name(path: str) -> str:
    """Return how messages name a file."""
    return "<stdin>" if path == "-" else path


def write_lines(data: bytes) -> None:
    """Write bytes to standard output, after all text printed so far."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
