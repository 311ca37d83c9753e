"""`varpulis format`: programs in canonical layout."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import (
    FAILURE,
    EngineCommand,
    read_text,
    shown_name,
    usage_error,
)
from vpl import FormatError, format_program, render_diagnostics

Show = Callable[[str, str, str], bool]
"""What is done with a path, its text and the result; tells whether all is well."""


class Command(EngineCommand):
    help = "Lay out programs; comments are kept, the meaning stays the same"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="- for stdin")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--check",
            action="store_true",
            help="change nothing; list the files that would change, exit 1 if any",
        )
        mode.add_argument("--write", action="store_true", help="rewrite the files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if a file has syntax errors, or with `--check` would change."""
        if options["write"] and "-" in options["files"]:
            raise usage_error("standard input cannot be rewritten: leave out --write")
        show: Show = self._print
        if options["check"]:
            show = self._list
        elif options["write"]:
            show = self._write
        done = [self._format(path, show) for path in options["files"]]
        if not all(done):
            sys.exit(FAILURE)

    def _format(self, path: str, show: Show) -> bool:
        source = read_text(path)
        name = shown_name(path)
        try:
            result = format_program(source)
        except FormatError as error:
            findings = render_diagnostics(error.diagnostics, source, name)
            self.stderr.write(findings or f"{name}: {error}")
            return False
        return show(path, source, result)

    def _print(self, path: str, source: str, result: str) -> bool:
        sys.stdout.write(result)
        return True

    def _list(self, path: str, source: str, result: str) -> bool:
        """Name a file that would change."""
        if result == source:
            return True
        self.stdout.write(f"would change {shown_name(path)}")
        return False

    def _write(self, path: str, source: str, result: str) -> bool:
        """Rewrite a file that changes."""
        if result == source:
            return True
        try:
            Path(path).write_text(result, encoding="utf-8", newline="\n")
        except OSError as error:
            reason = error.strerror or error
            raise usage_error(f"cannot write {path}: {reason}") from error
        self.stdout.write(f"changed {path}")
        return True
