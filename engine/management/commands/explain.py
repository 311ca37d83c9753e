"""`varpulis explain`: what a program compiles to."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import EngineCommand, usage_error
from engine.management.compiling import compile_or_exit

Row = tuple[str, str]


class Command(EngineCommand):
    help = "Show the compiled plan of programs, or the Python generated for them"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="- for stdin")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="the plan as JSON")
        form.add_argument("--source", action="store_true", help="the generated Python")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if a program has errors."""
        files = options["files"]
        if options["source"] and len(files) > 1:
            raise usage_error("--source: one file at a time")
        for path in files:
            pipeline = compile_or_exit(path)
            if options["source"]:
                sys.stdout.write(pipeline.explain_source())
                continue
            plan = pipeline.explain()
            if options["json"]:
                body = plan if len(files) == 1 else {"file": path, **plan}
                self.stdout.write(json.dumps(body, ensure_ascii=False))
                continue
            if sys.stdout.isatty():
                _show_tables(plan["streams"])
            else:
                self._show_lines(plan["streams"])
            for function in plan["functions"]:
                self.stdout.write(_function_line(function))

    def _show_lines(self, streams: list[dict[str, Any]]) -> None:
        for stream in streams:
            self.stdout.write(f"stream {stream['name']} <- {_sources(stream)}")
            for label, text in _rows(stream):
                self.stdout.write(f"    {label} {text}".rstrip())


def _show_tables(streams: list[dict[str, Any]]) -> None:
    # rich takes 0.1 s to import: only where it is seen.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for stream in streams:
        title = Text(f"{stream['name']} <- {_sources(stream)}", style="bold")
        table = Table(title=title, title_justify="left", show_header=False)
        for label, text in _rows(stream):
            # Text, because what programs say is no markup of ours.
            table.add_row(Text(label.rstrip(":"), style="cyan"), Text(text))
        console.print(table)


def _function_line(function: dict[str, Any]) -> str:
    """Return how a function runs and, if it is not machine code, why."""
    name = function["name"]
    if function["native"]:
        return f"function {name}: machine code"
    place = f"line {function['line']}, column {function['column']}"
    if "file" in function:
        place = f"{function['file']}, {place}"
    return f"function {name}: Python ({place}: {function['reason']})"


def _sources(stream: dict[str, Any]) -> str:
    return ", ".join(stream["sources"])


def _rows(stream: dict[str, Any]) -> Iterator[Row]:
    """Yield operations, then what surrounds them, as label and text."""
    for step in stream["ops"]:
        label = step["op"] if step["op"] == "->" else f".{step['op']}"
        yield label, step["detail"]
    for kept in stream["state"]:
        yield "state:", f"{kept['kind']}: {kept['bound']}"
    for label in ("partition_by", "consumers", "sinks"):
        if stream[label]:
            yield f"{label}:", ", ".join(stream[label])
    if stream["context"]:
        yield "context:", stream["context"]
    yield "fingerprint:", stream["fingerprint"]
