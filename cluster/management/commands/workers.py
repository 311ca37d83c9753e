"""List, show and deregister workers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.management.coordinator_calls import (
    Coordinator,
    Json,
    add_client_options,
    coordinator_of,
    run_and_leave,
    worker_path,
)
from cluster.management.tables import print_json, print_table


class Command(BaseCommand):
    """`varpulis workers list|show|delete`."""

    help = "List, show and deregister workers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="all registered workers")
        listing.add_argument("--status", help="only workers of this status")
        show = actions.add_parser("show", help="one worker and what it reports")
        delete = actions.add_parser("delete", help="take a worker out of the registry")
        delete.add_argument(
            "--pipelines",
            choices=("move", "leave"),
            default="move",
            help="what becomes of its pipelines (default: move)",
        )
        for one in (show, delete):
            one.add_argument("worker", metavar="WORKER", help="id")
        for one in (listing, show, delete):
            add_client_options(one)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it; exits 1 if refused, 2 on wrong usage, 3 without a connection."""
        run = {"list": _list, "show": _show, "delete": _delete}[options["action"]]
        run_and_leave("workers", lambda: run(coordinator_of(options), options))


def _list(coordinator: Coordinator, options: Json) -> None:
    params = {"status": options["status"]} if options["status"] else None
    answer = coordinator.call("GET", "workers", params=params)
    if options["json"]:
        print_json(answer)
        return
    rows = [
        (
            worker["id"],
            worker["status"],
            f"{worker['pipelines_running']}/{worker['max_pipelines']}",
            f"{worker['heartbeat_age_seconds']} s",
            worker["address"],
            worker["status_reason"],
        )
        for worker in answer["workers"]
    ]
    print_table(("ID", "STATUS", "PIPELINES", "HEARTBEAT", "ADDRESS", "WHY"), rows)


def _show(coordinator: Coordinator, options: Json) -> None:
    worker = coordinator.call("GET", worker_path(options["worker"]))
    if options["json"]:
        print_json(worker)
        return
    labels = ", ".join(f"{key}={value}" for key, value in worker["labels"].items())
    facts = worker | {
        "assigned_pipelines": ", ".join(worker["assigned_pipelines"]),
        "labels": labels,
        "load": ", ".join(f"{key} {value}" for key, value in worker["load"].items()),
    }
    print_table(("FACT", "VALUE"), [(key, value) for key, value in facts.items()])


def _delete(coordinator: Coordinator, options: Json) -> None:
    answer = coordinator.call(
        "DELETE",
        worker_path(options["worker"]),
        params={"pipelines": options["pipelines"]},
    )
    if options["json"]:
        print_json(answer)
    else:
        print(f"worker '{options['worker']}' is deregistered; its process runs on")
