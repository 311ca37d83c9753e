"""`varpulis run`: run a program on what its sources or standard input bring."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandParser

from engine import Pipeline
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.registry import (
    LookupMaker,
    SinkMaker,
    SourceMaker,
    Surroundings,
    UnknownConnectorError,
)
from engine.encoding import encode_lines
from engine.limit_policy import limits_of
from engine.logs import configure_logging, level_from
from engine.management.command import (
    FAILURE,
    NO_CONNECTION,
    EngineCommand,
    read_text,
    usage_error,
    write_lines,
)
from engine.management.compiling import compile_text_or_exit
from engine.management.connections import Connections
from engine.management.limit_option import add_limit_option, read_limits
from engine.management.stopping import Stopped, stop_on_sigterm
from vpl import Host, nodes

CLOSE_TIMEOUT_S: Final = 30.0
LOOK_INTERVAL_S: Final = 0.2


class Command(EngineCommand):
    help = (
        "Run a program until it is stopped; without sources and timers its events "
        "come as JSON lines on stdin. Outputs go to stdout"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        program = parser.add_mutually_exclusive_group(required=True)
        program.add_argument("-f", "--file", metavar="FILE", help="program file")
        program.add_argument("-c", "--code", metavar="CODE", help="program text")
        add_limit_option(parser)
        parser.add_argument("-q", "--quiet", action="store_true", help="no outputs")
        parser.add_argument(
            "--flush", action="store_true", help="end windows and waiting in the end"
        )
        parser.add_argument(
            "--connect-timeout",
            type=float,
            metavar="S",
            help="give up (exit 3) if something is not reached in this time",
        )
        parser.add_argument(
            "--state-dir", metavar="DIR", help="folder for dead letters"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if the program has errors or a line was no event."""
        if options["file"] == "-":
            raise usage_error("-f -: standard input is for events, use a file or -c")
        try:
            configure_logging(level_from(os.environ))
        except ValueError as error:
            raise usage_error(str(error)) from error
        run = _Run(self, self._compile(options), options)
        try:
            with stop_on_sigterm():
                code = run.until_stopped()
        except (Stopped, KeyboardInterrupt):
            code = 0
        if code := run.close(code):
            sys.exit(code)

    def _compile(self, options: dict[str, Any]) -> Pipeline:
        name = options["file"] or "<code>"
        limits = limits_of(read_limits(options))
        source = options["code"] or read_text(name)
        folder = options["state_dir"] and Path(options["state_dir"])
        letters = DeadLetters(folder or None)
        around = Surroundings(letters)
        try:
            return compile_text_or_exit(
                name,
                source,
                limits=limits,
                sinks=SinkMaker(around),
                sources=SourceMaker(around),
                lookups=LookupMaker(around),
                dead_letters=letters,
                host=Host(loads=True),
            )
        except UnknownConnectorError as error:
            self.stderr.write(str(error))
            sys.exit(FAILURE)


class _Run:
    """A running program with what is said about it on standard error."""

    def __init__(
        self, command: Command, pipeline: Pipeline, options: dict[str, Any]
    ) -> None:
        self._command = command
        self._pipeline = pipeline
        self._options = options
        self._is_broken = threading.Event()
        self._connect_timeout_s: float | None = options["connect_timeout"]
        sources = [
            (f"source {item.spec.connector.name} {item.spec.topic}".rstrip(), item)
            for item in pipeline.subscriptions
        ]
        sinks = [(f"sink {name}", sink) for name, sink in pipeline.sinks.items()]
        self._connections = Connections([*sources, *sinks], self._say)
        self._is_fed = bool(sources) or _has_timer(pipeline)
        pipeline.on_outputs = self._write

    def until_stopped(self) -> int:
        """Run; returns the exit status if the program ends by itself."""
        self._pipeline.run_clock()
        self._pipeline.start()
        return self._until_signal() if self._is_fed else self._through_stdin()

    def close(self, code: int) -> int:
        """Finish what was begun and tell what came of it; returns the exit status."""
        if self._options["flush"]:
            self._write(self._pipeline.flush().rows)
        self._pipeline.close(CLOSE_TIMEOUT_S)
        missing = self._connections.missing()
        if code == 0 and missing:
            code = NO_CONNECTION
        for reason in missing:
            self._say(f"never reached {reason}")
        if self._is_fed:
            counts = self._pipeline.metrics()
            self._say(f"{counts.events_in} events, {counts.events_out} outputs")
        return code

    def _until_signal(self) -> int:
        self._say(f"running {self._pipeline.name}; Ctrl+C stops it")
        began = time.monotonic()
        while not self._is_broken.wait(LOOK_INTERVAL_S):
            self._connections.look()
            limit_s = self._connect_timeout_s
            if limit_s is not None and time.monotonic() - began > limit_s:
                if self._connections.missing():
                    return NO_CONNECTION
                self._connect_timeout_s = None
        return FAILURE

    def _through_stdin(self) -> int:
        """Handle line after line; returns 1 if some were no events."""
        code = 0
        for number, line in enumerate(sys.stdin.buffer, start=1):
            if not line.strip():
                continue
            reply = self._pipeline.inject_batch(line, form="ndjson", outputs="all")
            for item in reply.rejected:
                code = FAILURE
                self._say(f"line {number}: {item['reason']}")
            for error in reply.errors:
                code = FAILURE
                self._say(f"line {number}: {error['code']} {error['message']}")
            self._write(reply.rows)
        return code

    def _write(self, rows: list[Any]) -> None:
        if self._options["quiet"] or not rows:
            return
        try:
            write_lines(encode_lines(rows))
        except BrokenPipeError:
            # In a thread of a source: the main thread ends the program.
            self._is_broken.set()
            if threading.current_thread() is threading.main_thread():
                raise

    def _say(self, text: str) -> None:
        self._command.stderr.write(text)


def _has_timer(pipeline: Pipeline) -> bool:
    return any(
        isinstance(decl, nodes.StreamDecl)
        and isinstance(decl.source, nodes.TimerSource)
        for decl in pipeline.program.body
    )
