"""Send one event, or a file of them, to a pipeline group."""

import json
import sys
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.management.coordinator_calls import (
    FAILURE,
    INTERRUPTED,
    USAGE,
    CallError,
    Json,
    add_client_options,
    coordinator_of,
    group_path,
    run_and_leave,
)
from cluster.management.event_receivers import (
    Receiver,
    group_receiver,
    pipeline_receiver,
)
from cluster.management.file_batches import EventsOfFile
from cluster.management.file_sending import FileSender, Pace, Sent
from cluster.management.sending_progress import SendingProgress
from cluster.management.tables import print_json

DEFAULT_BATCH, LARGEST_BATCH = 1000, 5000


class Command(BaseCommand):
    """`varpulis inject GROUP TYPE k=v ...` and `varpulis inject GROUP -f FILE`."""

    help = "Send one event, or a file of them, to a pipeline group."
    requires_system_checks: list[str] = []

    def create_parser(
        self, prog_name: str, subcommand: str, **named: Any
    ) -> CommandParser:
        """Take words and options in any order."""
        parser = super().create_parser(prog_name, subcommand, **named)
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign] # Django has no place for it
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the group, the event type and its fields."""
        add = parser.add_argument
        add("group", metavar="GROUP", help="name or id")
        add(
            "event_type",
            metavar="TYPE",
            nargs="?",
            help="event type",
        )
        add(
            "fields",
            metavar="KEY=VALUE",
            nargs="*",
            help='fields; a value that is JSON (5, true, "5", [1]) counts as such',
        )
        add(
            "-f",
            "--file",
            metavar="FILE",
            help="send its events: JSON lines or array, .evt or CSV, gzip; - is stdin",
        )
        add("--type", metavar="NAME", help="of a file's events that name none")
        add(
            "--batch",
            type=int,
            default=DEFAULT_BATCH,
            metavar="N",
            help=f"events per call, 1 to {LARGEST_BATCH} ({DEFAULT_BATCH})",
        )
        add("--rate", type=float, default=0.0, metavar="N", help="events per second")
        add(
            "--server",
            metavar="URL",
            help="send a file straight to this worker; GROUP is one of its pipelines",
        )
        add("--ack", choices=("processed", "accepted"), default="processed")
        add("--explain", action="store_true", help="tell the route as well")
        add_client_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it; exits 1 if refused, 2 on wrong usage, 3 without a connection."""
        action = _inject if options["file"] is None else _inject_file
        run_and_leave("inject", lambda: action(options))


def read_fields(pairs: Iterable[str]) -> Json:
    """Return the fields that `key=value` words stand for; CallError for other words."""
    fields: Json = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise CallError(f"'{pair}' is no field: write KEY=VALUE", USAGE)
        fields[key] = _value(text)
    return fields


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # NaN and 1e999 are no JSON
    except (ValueError, RecursionError):
        return text
    return value


def _inject(options: Json) -> None:
    if options["event_type"] is None:
        raise CallError("give the TYPE of an event, or a file by -f", USAGE)
    if options["server"] or options["type"]:
        raise CallError("--server and --type go with -f", USAGE)
    event = {
        "event_type": options["event_type"],
        "fields": read_fields(options["fields"]),
    }
    params = {"ack": options["ack"]}
    if options["explain"]:
        params["explain"] = "true"
    path = f"{group_path(options['group'])}/inject"
    answer = coordinator_of(options).call("POST", path, body=event, params=params)
    if options["json"] or options["explain"]:
        print_json(answer)
        return
    print(f"{answer['routed_to']} on {answer['worker_id']}")
    response = answer.get("worker_response") or {}
    for output in response.get("output_events", ()):
        print(json.dumps(output, ensure_ascii=False))
    for error in response.get("errors", ()):
        print(f"error in stream {error.get('stream')}: {error.get('message')}")


def _inject_file(options: Json) -> None:
    """Send a file; exits 1 if something of it was refused, 130 after Ctrl+C."""
    _check_file_options(options)
    sent = Sent()
    events = EventsOfFile(options["file"], options["type"], sent.fault)
    status = 0
    with closing(events), closing(_receiver(options)) as receiver:
        try:
            _send(receiver, events, sent, options)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except CallError:
            _print_sent(events, sent, options, has_ended=False)
            raise
    _print_sent(events, sent, options, has_ended=not status)
    if status or sent.failed:
        sys.exit(status or FAILURE)


def _check_file_options(options: Json) -> None:
    if options["explain"] or options["event_type"]:
        raise CallError("-f goes with neither TYPE nor --explain", USAGE)
    if not 1 <= options["batch"] <= LARGEST_BATCH:
        raise CallError(f"--batch must be 1 to {LARGEST_BATCH}", USAGE)
    if not 0 <= options["rate"] < float("inf"):
        raise CallError("--rate must be a number of events per second", USAGE)


def _receiver(options: Json) -> Receiver:
    params = {"ack": options["ack"]}
    if options["server"]:
        worker = coordinator_of({**options, "url": options["server"]})
        return pipeline_receiver(worker, options["group"], params)
    return group_receiver(coordinator_of(options), options["group"], params)


def _send(receiver: Receiver, events: EventsOfFile, sent: Sent, options: Json) -> None:
    rate = options["rate"]
    most = min(options["batch"], max(1, int(rate / 10))) if rate else options["batch"]
    sender = FileSender(
        receiver, sent, place=events.place, pace=Pace(rate, options["timeout"])
    )
    with closing(SendingProgress(events.name, events.size)) as progress:
        sender.send_all(
            events.batches(most),
            lambda so_far: progress.update(so_far.accepted, events.position),
        )


def _print_sent(
    events: EventsOfFile, sent: Sent, options: Json, *, has_ended: bool
) -> None:
    """Tell what became of the file: results on stdout, what was wrong on stderr."""
    for place, reason, count in sent.folded():
        more = f" (and {count - 1} more like it)" if count > 1 else ""
        sys.stderr.write(f"{events.name}:{place}: {reason}{more}\n")
    if sent.failed > len(sent.faults):
        sys.stderr.write(f".. and {sent.failed - len(sent.faults)} more\n")
    if options["json"]:
        print_json(sent.to_json() | {"complete": has_ended})
        return
    refused = f", {sent.failed} refused" if sent.failed else ""
    unknown = f", {sent.unknown} not answered" if sent.unknown else ""
    print(f"{sent.accepted} events sent{refused}{unknown}, {sent.output_count} outputs")
    if not has_ended and sent.last_place is not None:
        print(f"stopped after {events.name}:{events.place(sent.last_place)}")
