"""`varpulis explain`: what a program compiles to."""

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import EngineCommand
from engine.management.compiling import compile_or_exit


class Command(EngineCommand):
    help = "Show the compiled plan of a program, or the Python generated for it"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", metavar="FILE", help="- for stdin")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="the plan as JSON")
        form.add_argument("--source", action="store_true", help="the generated Python")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if the program has errors."""
        pipeline = compile_or_exit(options["file"])
        if options["source"]:
            sys.stdout.write(pipeline.explain_source())
        elif options["json"]:
            self.stdout.write(json.dumps(pipeline.explain(), ensure_ascii=False))
        else:
            for stream in pipeline.explain()["streams"]:
                self._show(stream)

    def _show(self, stream: dict[str, Any]) -> None:
        sources = ", ".join(stream["sources"])
        self.stdout.write(f"stream {stream['name']} <- {sources}")
        for step in stream["ops"]:
            self.stdout.write(f"    {step['op']} {step['detail']}".rstrip())
        for label in ("context", "partition_by", "sinks", "consumers"):
            value = stream.get(label)
            if value:
                text = value if isinstance(value, str) else ", ".join(map(str, value))
                self.stdout.write(f"    {label}: {text}")
        for state in stream["state"]:
            self.stdout.write(f"    state: {state['kind']}, at most {state['bound']}")
