"""`varpulis check`: what is wrong with a program."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import FAILURE, EngineCommand, read_text
from engine.management.importing import ImportedFiles
from vpl import check, render_diagnostics


class Command(EngineCommand):
    help = "Check programs completely and print every finding"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="- for stdin")
        parser.add_argument("--json", action="store_true", help="findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if a program has errors."""
        show = self._as_json if options["json"] else self._as_text
        valid = [show(path, len(options["files"])) for path in options["files"]]
        if not all(valid):
            sys.exit(FAILURE)

    def _as_text(self, path: str, _files: int) -> bool:
        source = read_text(path)
        files = ImportedFiles(path)
        result = check(source, imports=files, file=Path(path).name)
        name = "<stdin>" if path == "-" else path
        if result.diagnostics:
            found = result.diagnostics
            text = render_diagnostics(found, source, name, files.texts)
            self.stdout.write(text)
        if result.valid:
            warnings = len(result.diagnostics)
            self.stdout.write(
                f"{name}: ok" + (f", {warnings} warning(s)" * bool(warnings))
            )
        return bool(result.valid)

    def _as_json(self, path: str, files: int) -> bool:
        result = check(read_text(path))
        body = result.to_json()
        if files > 1:
            body = {"file": path, **body}
        self.stdout.write(json.dumps(body, ensure_ascii=False))
        return bool(result.valid)
