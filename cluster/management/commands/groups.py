"""List, show and tear down pipeline groups."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.management.coordinator_calls import (
    Coordinator,
    Json,
    add_client_options,
    coordinator_of,
    group_path,
    run_and_leave,
)
from cluster.management.tables import print_json, print_table


class Command(BaseCommand):
    """`varpulis groups list|show|delete`."""

    help = "List, show and tear down pipeline groups."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="all groups, newest first")
        listing.add_argument("--status", help="only groups of this status")
        show = actions.add_parser("show", help="one group with its placements")
        delete = actions.add_parser("delete", help="tear a group down")
        for one in (show, delete):
            one.add_argument("group", metavar="GROUP", help="name or id")
        for one in (listing, show, delete):
            add_client_options(one)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it; exits 1 if refused, 2 on wrong usage, 3 without a connection."""
        run = {"list": _list, "show": _show, "delete": _delete}[options["action"]]
        run_and_leave("groups", lambda: run(coordinator_of(options), options))


def _list(coordinator: Coordinator, options: Json) -> None:
    params = {"status": options["status"]} if options["status"] else None
    answer = coordinator.call("GET", "pipeline-groups", params=params)
    if options["json"]:
        print_json(answer)
        return
    rows = [
        (g["name"], g["status"], g["pipeline_count"], _homes(g), g["id"])
        for g in answer["pipeline_groups"]
    ]
    print_table(("NAME", "STATUS", "PIPELINES", "WORKERS", "ID"), rows)


def _show(coordinator: Coordinator, options: Json) -> None:
    group = coordinator.call("GET", group_path(options["group"]))
    if options["json"]:
        print_json(group)
        return
    print(f"{group['name']}: {group['status']}, revision {group['revision']}")
    print(f"id {group['id']}, created {group['created_at']}")
    for warning in group["warnings"]:
        print(f"warning: {warning}")
    rows = [
        (
            place["pipeline_name"],
            place["status"],
            place["worker_id"],
            place["generation"],
            (place["error"] or {}).get("error") or place["reason"],
        )
        for place in group["placements"]
    ]
    print_table(("PIPELINE", "STATUS", "WORKER", "GENERATION", "WHY"), rows)
    routes = [
        (route["from_pipeline"], route["to_pipeline"], ", ".join(route["event_types"]))
        for route in group["routes"]
    ]
    print_table(("FROM", "TO", "EVENT TYPES"), routes)


def _delete(coordinator: Coordinator, options: Json) -> None:
    answer = coordinator.call("DELETE", group_path(options["group"]))
    if options["json"]:
        print_json(answer)
        return
    print(f"group '{options['group']}' is torn down")
    for left in answer.get("pending_removals", ()):
        print(
            f"pipeline '{left['pipeline_name']}' goes when worker "
            f"'{left['worker_id']}' can be reached again"
        )


def _homes(group: Json) -> str:
    homes = [place["worker_id"] for place in group["placements"] if place["worker_id"]]
    return ", ".join(dict.fromkeys(homes))
