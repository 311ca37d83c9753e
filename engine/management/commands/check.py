"""`varpulis check`: what is wrong with a program."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from engine.management.command import (
    FAILURE,
    USAGE,
    EngineCommand,
    read_text,
    shown_name,
)
from engine.management.importing import ImportedFiles
from vpl import CheckResult, check, render_diagnostics

_SEVERITY = re.compile(r"^(\S.*?:\d+:\d+: )(error|warning|info)(\[\w+\])", re.MULTILINE)


class Command(EngineCommand):
    help = "Check programs completely and print every finding"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="- for stdin")
        parser.add_argument("--json", action="store_true", help="findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if a program has errors, with 2 if one cannot be read."""
        status = 0
        for path in options["files"]:
            try:
                source = read_text(path)
            except CommandError as error:
                self.stderr.write(str(error))
                status = USAGE
                continue
            files = ImportedFiles(path)
            result = check(source, imports=files, file=Path(path).name)
            if options["json"]:
                self._show_json(path, result, len(options["files"]))
            else:
                self._show_text(path, result, source, files)
            if not result.valid:
                status = status or FAILURE
        if status:
            sys.exit(status)

    def _show_text(
        self, path: str, result: CheckResult, source: str, files: ImportedFiles
    ) -> None:
        name, found = shown_name(path), result.diagnostics
        if found:
            text = render_diagnostics(found, source, name, files.texts)
            self.stdout.write(self._coloured(text))
        if result.valid:
            warnings = f", {len(found)} warning(s)" if found else ""
            self.stdout.write(f"{name}: {self.style.SUCCESS('ok')}{warnings}")

    def _coloured(self, text: str) -> str:
        """Return findings with their severities coloured, on terminals that can."""
        paint = {"error": self.style.ERROR, "warning": self.style.WARNING}
        return _SEVERITY.sub(lambda m: m[1] + paint.get(m[2], str)(m[2] + m[3]), text)

    def _show_json(self, path: str, result: CheckResult, files: int) -> None:
        body = result.to_json()
        if files > 1:
            body = {"file": path, **body}
        self.stdout.write(json.dumps(body, ensure_ascii=False))
