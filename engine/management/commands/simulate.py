"""`varpulis simulate`: events of a file through a program, as fast as possible."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from engine import Pipeline
from engine.connectors.fake import RecordingSinks
from engine.evt import BadLineError, EvtReader, instant_ns
from engine.management.command import (
    FAILURE,
    EngineCommand,
    read_text,
    usage_error,
    write_lines,
)
from engine.management.compiling import compile_or_exit
from engine.management.event_files import Block, evt_blocks, json_blocks, line_blocks
from engine.management.progress import progress_of
from vpl import nodes


@dataclass(slots=True)
class Totals:
    """What a simulation did."""

    events: int = 0
    outputs: int = 0
    bad: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, int | float]:
        """Return the totals with the rate."""
        rate = self.events / self.seconds if self.seconds else 0.0
        return {
            "events": self.events,
            "outputs": self.outputs,
            "bad": self.bad,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(rate),
        }

    def __str__(self) -> str:
        bad = f", {self.bad} bad" if self.bad else ""
        return (
            f"{self.events} events, {self.outputs} outputs{bad} in {self.seconds:.3f} s"
        )


class Command(EngineCommand):
    help = "Run the events of a file through a program; outputs go to stdout"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("-p", "--program", required=True, metavar="FILE")
        parser.add_argument(
            "-e",
            "--events",
            required=True,
            metavar="FILE",
            help=".evt, .json (an array) or JSON lines; - for JSON lines on stdin",
        )
        parser.add_argument("--json", action="store_true", help="totals as JSON")
        parser.add_argument("-q", "--quiet", action="store_true", help="totals only")
        parser.add_argument(
            "-v", "--verbose", action="store_true", help="show counters per stream"
        )
        parser.add_argument("--start", default="1970-01-01T00:00:00Z", metavar="TIME")
        parser.add_argument("--skip-bad", action="store_true", help="count bad lines")
        # The default is as fast as possible; both words are accepted.
        parser.add_argument("--immediate", action="store_true")
        parser.add_argument("--preload", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 1 if the program has errors or an event could not be read."""
        sinks = RecordingSinks()
        pipeline = compile_or_exit(options["program"], sinks)
        totals = Totals()
        blocks = self._blocks(pipeline, totals, options)
        pipeline.start()
        started = time.perf_counter()
        try:
            with progress_of("simulating", _size(options["events"])) as advance:
                for block in blocks:
                    self._run(pipeline, block, totals, options)
                    advance(len(block.payload))
        except BadLineError as error:
            self._give_up(str(error), pipeline)
        pipeline.close(30.0)
        totals.seconds = time.perf_counter() - started
        self._report(totals, pipeline, options)

    def _blocks(
        self, pipeline: Pipeline, totals: "Totals", options: dict[str, Any]
    ) -> Iterator[Block]:
        path = options["events"]
        if path.endswith(".evt"):
            try:
                start_ns = instant_ns(options["start"])
            except ValueError as error:
                raise usage_error(f"--start: {error}") from error

            def skip(bad: BadLineError) -> None:
                totals.bad += 1
                self.stderr.write(f"skipped {bad}")

            on_bad = skip if options["skip_bad"] else None
            reader = EvtReader(_declared_fields(pipeline), start_ns, on_bad)
            return evt_blocks(read_text(path), reader)
        if path.endswith(".json"):
            return json_blocks(read_text(path))
        if path != "-" and not Path(path).is_file():
            raise usage_error(f"cannot read {path}: no such file")
        return line_blocks(path)

    def _run(
        self,
        pipeline: Pipeline,
        block: Block,
        totals: "Totals",
        options: dict[str, Any],
    ) -> None:
        reply = pipeline.inject_batch(block.payload, form=block.form, outputs="all")
        totals.events += reply.accepted
        totals.outputs += reply.output_count
        if not options["quiet"]:
            write_lines(reply.output_lines())
        for error in reply.errors:
            self.stderr.write(f"{error['code']} {error['stream']}: {error['message']}")
        for item in reply.rejected:
            totals.bad += 1
            where = f"event {block.first + item['index']}"
            if not options["skip_bad"]:
                self._give_up(f"{where}: {item['reason']}", pipeline)
            self.stderr.write(f"{where} skipped: {item['reason']}")

    def _give_up(self, reason: str, pipeline: Pipeline) -> None:
        self.stderr.write(f"{reason} (--skip-bad goes on)")
        pipeline.close(30.0)
        sys.exit(FAILURE)

    def _report(
        self, totals: "Totals", pipeline: Pipeline, options: dict[str, Any]
    ) -> None:
        sys.stdout.flush()
        if options["json"]:
            self.stderr.write(json.dumps(totals.as_json()))
            return
        if options["verbose"]:
            for name, stream in pipeline.metrics().streams.items():
                self.stderr.write(
                    f"{name}: {stream.events_in} in, {stream.events_out} out"
                )
        self.stderr.write(str(totals))


def _declared_fields(pipeline: Pipeline) -> Mapping[str, Sequence[str]]:
    return {
        item.name: [field.name for field in item.fields]
        for item in pipeline.program.body
        if isinstance(item, nodes.EventDecl)
    }


def _size(path: str) -> int:
    return Path(path).stat().st_size if Path(path).is_file() else 0
