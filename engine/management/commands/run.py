"""`varpulis run`: run a program on events from standard input."""

import os
import sys
from typing import Any

from django.core.management.base import CommandParser

from engine import Pipeline
from engine.connectors.registry import SinkMaker
from engine.logs import configure_logging, level_from
from engine.management.command import (
    FAILURE,
    EngineCommand,
    read_text,
    usage_error,
    write_lines,
)
from engine.management.compiling import compile_text_or_exit
from engine.management.stopping import Stopped, stop_on_sigterm

CLOSE_TIMEOUT_S = 30.0


class Command(EngineCommand):
    help = "Run a program: events come as JSON lines on stdin, outputs go to stdout"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        program = parser.add_mutually_exclusive_group(required=True)
        program.add_argument("-f", "--file", metavar="FILE", help="program file")
        program.add_argument("-c", "--code", metavar="CODE", help="program text")
        parser.add_argument("-q", "--quiet", action="store_true", help="no outputs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if the program has errors or a line was no event."""
        if options["file"] == "-":
            raise usage_error("-f -: standard input is for events, use a file or -c")
        configure_logging(level_from(os.environ))
        name = options["file"] or "<code>"
        source = options["code"] or read_text(name)
        pipeline = compile_text_or_exit(name, source, sinks=SinkMaker())
        pipeline.start()
        try:
            with stop_on_sigterm():
                bad = self._run(pipeline, quiet=options["quiet"])
        except (Stopped, KeyboardInterrupt):
            bad = 0
        finally:
            pipeline.close(CLOSE_TIMEOUT_S)
        if bad:
            sys.exit(FAILURE)

    def _run(self, pipeline: Pipeline, *, quiet: bool) -> int:
        """Handle line after line; returns how many were no events."""
        bad = 0
        for number, line in enumerate(sys.stdin.buffer, start=1):
            if not line.strip():
                continue
            reply = pipeline.inject_batch(line, form="ndjson", outputs="all")
            for item in reply.rejected:
                bad += 1
                self.stderr.write(f"line {number}: {item['reason']}")
            for error in reply.errors:
                self.stderr.write(f"line {number}: {error['code']} {error['message']}")
            if not quiet:
                write_lines(reply.output_lines())
        return bad
