"""`varpulis parse`: the syntax tree of a program."""

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import FAILURE, EngineCommand, read_text, shown_name
from vpl import parse, render_diagnostics, tree_json


class Command(EngineCommand):
    help = "Print the syntax tree of a program as JSON"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", metavar="FILE", help="- for stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 and the findings if the program does not parse."""
        source = read_text(options["file"])
        result = parse(source)
        errors = [item for item in result.diagnostics if item.severity == "error"]
        if errors:
            name = shown_name(options["file"])
            self.stderr.write(render_diagnostics(errors, source, name))
            sys.exit(FAILURE)
        tree = tree_json(result.program)
        self.stdout.write(json.dumps(tree, ensure_ascii=False, indent=2))
