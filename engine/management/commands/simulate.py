"""`varpulis simulate`: events of a file through a program, as fast as possible."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandParser

from engine import Pipeline
from engine.connectors.fake import RecordingSinks
from engine.connectors.registry import LookupMaker
from engine.encoding import encode_lines
from engine.event_files import BadFileError, Block, EventFile, EventFileError
from engine.logs import configure_logging, level_from
from engine.management.command import (
    FAILURE,
    EngineCommand,
    read_text,
    shown_name,
    usage_error,
    write_lines,
)
from engine.management.compiling import compile_text_or_exit
from engine.management.counters import eval_errors, losses, show_counters
from engine.management.event_options import add_event_options, open_events
from engine.management.limit_option import add_limit_option, read_limits
from engine.management.progress import ProgressBar
from engine.management.simulating import (
    OneProcess,
    Runner,
    SeveralProcesses,
    why_one_process,
)
from engine.simulation import EventClock, Pacing, Simulation, simulation_limits
from engine.simulation.frames import Setup
from engine.simulation.saving import DEFAULT_INTERVAL_S, Checkpoints
from engine.simulation.shares import ShareLostError, Shares


class Command(EngineCommand):
    help = "Run the events of a file through a program; outputs go to stdout"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("-p", "--program", required=True, metavar="FILE")
        add_event_options(parser)
        add_limit_option(parser)
        speed = parser.add_mutually_exclusive_group()
        speed.add_argument(
            "--immediate", action="store_true", help="as fast as possible: the default"
        )
        speed.add_argument(
            "--timed", action="store_true", help="replay offsets in real time"
        )
        parser.add_argument(
            "--preload", action="store_true", help="read all events before the first"
        )
        parser.add_argument(
            "--flush", action="store_true", help="end windows and waiting in the end"
        )
        parser.add_argument(
            "-w",
            "--workers",
            type=_count,
            metavar="N",
            default=1,
            help="share the events between N processes (1)",
        )
        parser.add_argument(
            "--partition-by", metavar="F", help="field by which events are shared"
        )
        parser.add_argument(
            "--checkpoint-dir",
            metavar="DIR",
            help="go on from the newest checkpoint here, and write new ones",
        )
        parser.add_argument(
            "--checkpoint-interval",
            type=float,
            metavar="S",
            default=DEFAULT_INTERVAL_S,
            help="seconds between checkpoints (60); one more comes in the end",
        )
        parser.add_argument("--json", action="store_true", help="totals as JSON")
        parser.add_argument("-q", "--quiet", action="store_true", help="totals only")
        parser.add_argument(
            "-v", "--verbose", action="store_true", help="show counters per stream"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if the program has errors or an event could not be read."""
        _configure_logging()
        clock = EventClock()
        limits = options["limits"] = read_limits(options)
        path = options["program"]
        source = read_text(path)
        pipeline = compile_text_or_exit(
            shown_name(path),
            source,
            sinks=RecordingSinks(),
            lookups=LookupMaker(),
            clock=clock,
            limits=simulation_limits(limits),
        )
        run = _Run(self, pipeline, clock, source, options)
        try:
            with open_events(options, pipeline.program, run.skip) as events:
                run.through(events)
        except BadFileError as error:
            raise usage_error(str(error)) from error
        except OSError as error:
            folder = options["checkpoint_dir"]
            if folder is None or isinstance(error, BrokenPipeError):
                raise
            reason = error.strerror or error
            raise usage_error(
                f"cannot keep checkpoints in {folder}: {reason}"
            ) from error
        finally:
            run.close()
        run.report()


class _Run:
    """One simulation with what is said about it on standard error."""

    def __init__(
        self,
        command: Command,
        pipeline: Pipeline,
        clock: EventClock,
        source: str,
        options: dict[str, Any],
    ) -> None:
        self._command = command
        self._options = options
        self._events: EventFile | None = None
        self._runner = self._choose(pipeline, clock, source)
        self.totals = self._runner.totals

    def _choose(self, pipeline: Pipeline, clock: EventClock, source: str) -> Runner:
        options = self._options
        if options["workers"] > 1:
            reason = why_one_process(pipeline, options)
            if reason is None:
                wants_outputs = not options["quiet"]
                setup = Setup(pipeline.name, source, wants_outputs, options["limits"])
                field = options["partition_by"]
                return SeveralProcesses(Shares(options["workers"], setup, field, self))
            self._say(f"one worker: {reason}")
        simulation = Simulation(
            pipeline,
            clock,
            self,
            form="count" if options["quiet"] else "all",
            pacing=Pacing() if options["timed"] else None,
        )
        return OneProcess(
            simulation,
            pipeline,
            self._checkpoints(pipeline),
            is_flushed=options["flush"],
            say=self._say,
        )

    def _checkpoints(self, pipeline: Pipeline) -> Checkpoints | None:
        folder = self._options["checkpoint_dir"]
        if folder is None:
            return None
        interval_s = self._options["checkpoint_interval"]
        return Checkpoints(Path(folder), pipeline, interval_s, on_refused=self._say)

    def through(self, events: EventFile) -> None:
        """Run all events; exits with 1 at a bad one that is not to be skipped."""
        self._events = events
        self._runner.start()
        blocks = events.blocks()
        if self._options["preload"]:
            blocks = iter(list(blocks))
        started = time.perf_counter()
        try:
            self._feed(blocks, events)
        except ShareLostError as error:
            self._give_up(str(error))
        except KeyboardInterrupt:
            self._give_up("stopped")
        finally:
            self.totals.seconds = time.perf_counter() - started

    def close(self) -> None:
        """Let go of everything."""
        self._runner.close()

    def _give_up(self, reason: str) -> NoReturn:
        self._say(reason)
        sys.exit(FAILURE)

    def _feed(self, blocks: Iterator[Block], events: EventFile) -> None:
        is_shared = not self._options["quiet"]
        with ProgressBar("simulating", events.size, is_shared=is_shared) as bar:
            try:
                for block in blocks:
                    self._runner.feed(block)
                    bar.update(events.position)
                self._runner.finish()
            except EventFileError as error:
                self._runner.stop()
                self._give_up(f"{error} (--skip-bad goes on)")

    def outputs(self, rows: list[Any]) -> None:
        """Write outputs as JSON lines."""
        write_lines(encode_lines(rows))

    def lines(self, data: bytes) -> None:
        """Write outputs that are JSON lines already."""
        write_lines(data)

    def printed(self, text: str) -> None:
        """Write what the program printed in another process."""
        sys.stdout.write(text)

    def fault(self, error: dict[str, Any]) -> None:
        """Tell an error at run time."""
        self._say(f"{error['code']} {error['stream']}: {error['message']}")

    def rejected(self, place: int, reason: str) -> None:
        """Tell why something is no event; raises it unless such are to be skipped."""
        assert self._events is not None
        error = EventFileError(self._events.name, self._events.place(place), reason)
        if not self._options["skip_bad"]:
            raise error
        self._say(f"skipped {error}")

    def skip(self, error: EventFileError) -> None:
        """Count what the reader found to be no event."""
        self.totals.bad += 1
        self._say(f"skipped {error}")

    def report(self) -> None:
        """Tell the totals; exits with 1 if there were errors at run time."""
        sys.stdout.flush()
        streams = self._runner.streams().items()
        lost = {name: losses(stream) for name, stream in streams if losses(stream)}
        if self._options["json"]:
            more = {"lost": lost} if lost else {}
            self._say(json.dumps(self.totals.as_json() | more))
        else:
            if self._options["verbose"]:
                self._counters()
            for name, counts in lost.items():
                listed = ", ".join(f"{count} {what}" for what, count in counts.items())
                self._say(f"{name} left something out: {listed}")
            self._say(str(self.totals))
        if self.totals.faults:
            sys.exit(FAILURE)

    def _counters(self) -> None:
        streams = self._runner.streams()
        if sys.stderr.isatty():
            show_counters(streams)
            return
        for name, stream in streams.items():
            errors = "".join(f", {text}" for text in eval_errors(stream))
            self._say(
                f"{name}: {stream.events_in} in, {stream.outputs} outputs, "
                f"{stream.events_out} to other streams{errors}"
            )

    def _say(self, text: str) -> None:
        self._command.stderr.write(text)


def _count(text: str) -> int:
    """Return a number of processes; raises ValueError."""
    count = int(text)
    if count < 1:
        raise ValueError("at least 1")
    return count


def _configure_logging() -> None:
    try:
        configure_logging(level_from(os.environ))
    except ValueError as error:
        raise usage_error(str(error)) from error
