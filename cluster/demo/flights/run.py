"""`varpulis demo flights`: real departures through five pipelines, counted."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import MismatchError
from cluster.demo.examples import example_path
from cluster.demo.flights.count import expected_counts
from cluster.demo.flights.events import event_batches
from cluster.demo.flights.records import (
    Flight,
    flights_archive,
    planned_order,
)
from cluster.demo.local_cluster import ThrowawayCluster
from cluster.demo.progress import Advance, progress
from cluster.demo.spec_file import load_spec

Say = Callable[[str], None]

_FLIGHTS_PER_BATCH = 2000  # about 700 KB of events
_OUTPUTS_LIMIT = 100_000  # far more than a batch can give


@dataclass
class FlightTotals:
    """What was sent and what came out."""

    events: int = 0
    outputs: Counter[str] = field(default_factory=Counter)
    workers: dict[str, str] = field(default_factory=dict)  # pipeline -> worker

    def add(self, summary: dict[str, Any]) -> None:
        """Take one batch's answer; raises MismatchError if any of it was refused."""
        if summary["events_failed"] or summary["outputs_truncated"]:
            raise MismatchError(
                f"{summary['events_failed']} events were refused: {summary['errors'][:3]}"
            )
        self.events += summary["events_sent"]
        self.outputs.update(out["event_type"] for out in summary["output_events"])
        for target in summary["targets"]:
            self.workers[target["routed_to"]] = target["worker_id"]


def run_demo(say: Say, *, workers: int = 3, limit: int | None = None) -> FlightTotals:
    """Send the first `limit` flights (None: all) and check the counts.

    Raises DemoError if the table is missing, a process ends or a count is wrong.
    """
    archive = flights_archive()
    spec = load_spec(example_path("flights", "group.json"))
    say(f"starting a coordinator and {workers} workers")
    with ThrowawayCluster(workers) as cluster, closing(cluster.client()) as client:
        group = client.deploy(spec)
        say(f"group '{group['name']}' runs on {_homes(group)}")
        flights = planned_order(archive, limit)
        started = time.monotonic()
        with progress("flights", len(flights)) as advance:
            totals = send_flights(client, group["id"], flights, advance)
        seconds = time.monotonic() - started
    say(
        f"{totals.events} events of {len(flights)} flights in {seconds:.1f} s "
        f"({totals.events / seconds:,.0f} events/s)"
    )
    _compare(totals, expected_counts(flights), say)
    return totals


def send_flights(
    client: CoordinatorClient,
    group_id: str,
    flights: Iterable[Flight],  # in the order of their plans
    advance: Advance,
) -> FlightTotals:
    """Send the events batch by batch, one on its way while the next is made."""
    totals = FlightTotals()
    with ThreadPoolExecutor(1) as pool:
        under_way: tuple[int, Future[dict[str, Any]]] | None = None
        for count, lines in event_batches(flights, _FLIGHTS_PER_BATCH):
            if under_way is not None:
                totals.add(under_way[1].result())
                advance(under_way[0])
            sent = pool.submit(
                client.inject_batch,
                group_id,
                lines,
                outputs="all",
                outputs_limit=_OUTPUTS_LIMIT,
            )
            under_way = (count, sent)
        if under_way is not None:
            totals.add(under_way[1].result())
            advance(under_way[0])
    return totals


def _compare(totals: FlightTotals, expected: Counter[str], say: Say) -> None:
    for output_type in sorted({*expected, *totals.outputs}):
        say(f"  {output_type:<20} {totals.outputs[output_type]:>8}")
    if totals.outputs != expected:
        raise MismatchError(
            f"counted in the table: {dict(expected)}; from the pipelines: "
            f"{dict(totals.outputs)}"
        )
    say("every count equals that of the table")


def _homes(group: dict[str, Any]) -> str:
    return ", ".join(
        f"{each['worker_id']} ({each['pipeline_name']})" for each in group["placements"]
    )
