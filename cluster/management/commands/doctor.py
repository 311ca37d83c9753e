"""Say what to change before others rely on this configuration."""

import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.doctor import Finding, Level, diagnose
from cluster.doctor.configuration import (
    examine_hosts,
    examine_keys,
    examine_passwords,
    examine_settings,
    examine_state_dir,
    examine_tls,
)
from cluster.doctor.finding import Examination
from cluster.doctor.neighbours import (
    examine_broker,
    examine_channel_layer,
    examine_database,
)
from cluster.doctor.running import examine_running
from cluster.management.coordinator_calls import (
    FAILURE,
    Json,
    add_client_options,
    coordinator_of,
    run_and_leave,
)
from cluster.management.coordinator_options import add_state_options
from cluster.management.tables import print_json, print_table

EXAMINATIONS: tuple[Examination, ...] = (
    examine_settings,
    examine_keys,
    examine_passwords,
    examine_tls,
    examine_hosts,
    examine_state_dir,
    examine_database,
    examine_channel_layer,
    examine_broker,
)


class Command(BaseCommand):
    """`varpulis doctor`."""

    help = (
        "Look at the configuration in the environment (as a coordinator would read it)"
        " and, with --url, at a running coordinator. Leaves with 1 if something must"
        " change."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whom to ask and where the state is."""
        add_client_options(parser)
        add_state_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Look and tell."""
        run_and_leave("doctor", lambda: _run(options))


def _run(options: Json) -> None:
    wanted = [*EXAMINATIONS]
    if options["url"]:
        wanted.append(partial(examine_running, coordinator_of(options)))
    findings = list(diagnose(wanted))
    if options["json"]:
        print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        _print(findings)
    if any(finding.level is Level.MUST for finding in findings):
        sys.exit(FAILURE)


def _print(findings: Iterable[Finding]) -> None:
    rows = [(f.level.value, f.subject, f.text, f.remedy) for f in findings]
    print_table(("", "WHAT", "FOUND", "DO"), rows)
