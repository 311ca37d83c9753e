"""What the database knows at the moment of a scrape, so removed things are gone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cluster.models import ClusterState, PipelineGroup, Placement, Worker
from cluster.services.sweep import PROCESS
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus

CLUSTER = "varpulis_cluster_"


class ClusterGauges(Collector):
    """Reads workers, groups and placements in three queries."""

    def __init__(self, now: datetime) -> None:
        """Keep the time that ages are reckoned to."""
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Return all gauges."""
        yield from self._workers()
        groups = PipelineGroup.objects.exclude(status=GroupStatus.TORN_DOWN.value)
        yield _by_status(
            "pipeline_groups",
            [s.value for s in GroupStatus if s is not GroupStatus.TORN_DOWN],
            groups.values_list("status", flat=True),
        )
        placements = Placement.objects.exclude(
            group__status=GroupStatus.TORN_DOWN.value
        )
        yield _by_status(
            "placements",
            [s.value for s in PlacementStatus],
            placements.values_list("status", flat=True),
        )
        yield from self._sweep()

    def _workers(self) -> Iterator[Metric]:
        rows = list(
            Worker.objects.registered().values_list(
                "id",
                "status",
                "last_heartbeat_at",
                "pipelines_running",
                "max_pipelines",
            )
        )
        known = [status.value for status in WorkerStatus]
        yield _by_status("workers", known, (row[1] for row in rows))
        ages = _of_worker("heartbeat_age_seconds", "Time since the last report.")
        running = _of_worker("pipelines", "Pipelines that run.")
        room = _of_worker("capacity", "Pipelines that may run.")
        for worker_id, _, seen_at, pipelines, most in rows:
            if seen_at is not None:
                age = max(0.0, (self._now - seen_at).total_seconds())
                ages.add_metric([worker_id], age)
            running.add_metric([worker_id], pipelines)
            room.add_metric([worker_id], most)
        yield from (ages, running, room)

    def _sweep(self) -> Iterator[Metric]:
        row = ClusterState.objects.values_list("sweep_holder", "last_sweep_at").first()
        holder, swept_at = row or ("", None)
        leader = GaugeMetricFamily(
            f"{CLUSTER}sweep_leader", "1 where this process sweeps."
        )
        leader.add_metric([], float(holder == PROCESS))
        yield leader
        if swept_at is not None:
            age = GaugeMetricFamily(
                f"{CLUSTER}sweep_age_seconds", "Time since the last sweep."
            )
            age.add_metric([], max(0.0, (self._now - swept_at).total_seconds()))
            yield age


def _by_status(name: str, known: list[str], found: Iterable[str]) -> Metric:
    family = GaugeMetricFamily(
        f"{CLUSTER}{name}", f"{name.replace('_', ' ').capitalize()} by status.",
        labels=("status",),
    )  # fmt: skip
    counts = Counter(found)
    for status in known:
        family.add_metric([status], counts[status])
    return family


def _of_worker(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{CLUSTER}worker_{name}", text, labels=("worker",))
