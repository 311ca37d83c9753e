"""Send one event to a pipeline group and print what comes out."""

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.management.coordinator_calls import (
    USAGE,
    CallError,
    Json,
    add_client_options,
    coordinator_of,
    group_path,
    run_and_leave,
)
from cluster.management.tables import print_json


class Command(BaseCommand):
    """`varpulis inject GROUP TYPE k=v ...`."""

    help = "Send one event to a pipeline group and print what comes out."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the group, the event type and its fields."""
        add = parser.add_argument
        add("group", metavar="GROUP", help="name or id")
        add("event_type", metavar="TYPE", help="event type")
        add(
            "fields",
            metavar="KEY=VALUE",
            nargs="*",
            help='fields; a value that is JSON (5, true, "5", [1]) counts as such',
        )
        add("--ack", choices=("processed", "accepted"), default="processed")
        add("--explain", action="store_true", help="tell the route as well")
        add_client_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it; exits 1 if refused, 2 on wrong usage, 3 without a connection."""
        run_and_leave("inject", lambda: _inject(options))


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
