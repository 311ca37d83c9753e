"""A coordinator that starts with a large cluster in its database.

`python -m bench.filled WORKERS PLACEMENTS` fills the database that the environment
names; it runs as a process of its own, as Django takes its settings once.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

import django
import requests

from bench.result import WrongOutputError, require
from cluster.demo.local_cluster import ThrowawayCluster, plain_environment

PER_GROUP = 100  # pipelines, each with a route of its own
SPARES = 30  # workers without placements, to be taken away as a change
AT_ONCE = 500  # rows per insert
SOURCE = """stream Late = Scan
    .where(delay_min > 30)
    .emit(parcel: parcel, delay: delay_min)
"""
SETTINGS = "varpulis_site.settings"


class FilledCluster(ThrowawayCluster):
    """A coordinator alone, with workers and placements that are only rows."""

    def __init__(self, workers: int, placements: int) -> None:
        super().__init__(0)
        self._sizes = workers, placements

    def __enter__(self) -> Self:
        """Fill the database, then start the coordinator on it."""
        fill_process(filled_environment(self), *self._sizes)
        return super().__enter__()


def filled_environment(cluster: ThrowawayCluster) -> dict[str, str]:
    """Return the settings under which a process finds the cluster's database."""
    return {
        **plain_environment(),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "VARPULIS_PORT": str(cluster.layout.port),
        "VARPULIS_STATE_DIR": str(cluster.layout.state_dir),
    }


def fill_process(environment: dict[str, str], workers: int, placements: int) -> None:
    """Fill a database in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.filled", str(workers), str(placements)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WrongOutputError(f"the database was not filled: {done.stderr[-600:]}")


def remove_spare(session: requests.Session, url: str, number: int) -> None:
    """Make a change that touches nothing else: deregister a spare worker."""
    path = f"{url}/api/v1/cluster/workers/spare-{number}?pipelines=leave"
    answer = session.delete(path, timeout=30)
    require(answer.status_code, 200, "deregistration")


def fill(workers: int, placements: int) -> None:
    """Write workers that are ready, and running groups spread over them.

    Their reports are of the next hour, so that nobody falls silent meanwhile.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from cluster.services.topology import load_cluster_state

    settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    load_cluster_state()
    now = timezone.now()
    _add_workers([f"sim-{index}" for index in range(workers)], now)
    _add_workers([f"spare-{index}" for index in range(SPARES)], now)
    for group in range(placements // PER_GROUP):
        _add_group(group, workers, now)


def _add_workers(ids: Sequence[str], now: datetime) -> None:
    from cluster.models import Worker

    Worker.objects.bulk_create(
        [
            Worker(
                id=worker_id,
                address=f"http://10.0.{index // 250}.{index % 250 + 1}:9000",
                status="ready",
                status_since=now,
                registered_at=now,
                last_heartbeat_at=now + timedelta(hours=1),
                cpu_cores=4,
                labels={"zone": "north"},
                load={"cpu_percent": 37.5, "memory_bytes": 193_986_560},
            )
            for index, worker_id in enumerate(ids)
        ],
        batch_size=AT_ONCE,
    )


def _add_group(number: int, workers: int, now: datetime) -> None:
    from cluster.models import PipelineGroup, Placement, Route

    names = [f"p{index}" for index in range(PER_GROUP)]
    group = PipelineGroup.objects.create(
        name=f"group-{number}",
        status="running",
        spec={"pipelines": [{"name": name, "source": SOURCE} for name in names]},
        created_at=now,
        updated_at=now,
        started_at=now,
    )
    Placement.objects.bulk_create(
        Placement(
            group=group,
            position=position,
            pipeline_name=name,
            source=SOURCE,
            worker_id=f"sim-{(number * PER_GROUP + position) % workers}",
            pipeline_id=f"{number}-{position}",
            status="Running",
            reason="round_robin",
            since=now,
        )
        for position, name in enumerate(names)
    )
    Route.objects.bulk_create(
        Route(
            group=group,
            position=position,
            from_pipeline="_external",
            to_pipeline=name,
            event_types=[f"Scan{position}*"],
        )
        for position, name in enumerate(names)
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()
    fill(int(sys.argv[1]), int(sys.argv[2]))
