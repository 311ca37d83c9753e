"""The options of commands that read events from files."""

from typing import Any

from django.core.management.base import CommandParser

from engine.event_files import (
    FORMS,
    TIME_UNITS,
    EventFile,
    ReadOptions,
    open_event_file,
)
from engine.event_files.options import OnBad
from engine.evt import declared_fields, instant_ns
from engine.management.command import usage_error
from vpl import Program, consumed_types


def add_event_options(parser: CommandParser) -> None:
    """Declare the file and how to read it."""
    parser.add_argument(
        "-e",
        "--events",
        required=True,
        metavar="FILE",
        help=".evt, JSON lines, JSON or CSV, also as gzip; - for stdin",
    )
    parser.add_argument(
        "--format", choices=FORMS, help="form of the events if the name does not tell"
    )
    parser.add_argument(
        "--type", metavar="T", help="type of events that do not name theirs (CSV)"
    )
    parser.add_argument(
        "--time-field", metavar="F", help="field that dates events without a time"
    )
    parser.add_argument(
        "--time-unit",
        choices=TIME_UNITS,
        default="ms",
        help="unit of numbers in the time field (ms)",
    )
    parser.add_argument(
        "--start",
        default="1970-01-01T00:00:00Z",
        metavar="TIME",
        help="time that offsets count from and undated events begin at",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="count what is no event and go on"
    )


def open_events(options: dict[str, Any], program: Program, skip: OnBad) -> EventFile:
    """Open the file of events for a program; `skip` takes bad ones if so wanted.

    Raises CommandError (status 2) for a bad option, BadFileError for a bad file.
    """
    try:
        start_ns = instant_ns(options["start"])
    except ValueError as error:
        raise usage_error(f"--start: {error}") from error
    return open_event_file(
        options["events"],
        ReadOptions(
            form=options["format"],
            event_type=options["type"] or None,
            time_field=options["time_field"],
            time_unit=options["time_unit"],
            start_ns=start_ns,
            declared=declared_fields(program),
            types=consumed_types(program),
            on_bad=skip if options["skip_bad"] else None,
        ),
    )
