"""The periodic look at the whole cluster (api.md 6.1, 6.6)."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Q

from cluster.models import ClusterState
from cluster.models.topology import THE_ROW
from cluster.services.failover import (
    fail_over,
    failed_placements,
    lost_with_placements,
    retry_waiting,
)
from cluster.services.first_deploys import conclude_deploys, ended_deploys
from cluster.services.health import (
    mark_stale_workers,
    silent_since,
    silent_workers,
)
from cluster.services.reachability import probe_unreachable, unreachable_workers
from cluster.services.retention import tidy_up, was_tidied
from cluster.services.topology import load_cluster_state

LEASE = timedelta(seconds=15)
PROCESS = uuid.uuid4().hex
"""Names this process as the holder of the lease."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did. `skipped`: another process holds the lease."""

    skipped: bool = False
    unhealthy: tuple[str, ...] = ()
    reassigned: int = 0
    retried: int = 0


def run_sweep(now: datetime, *, holder: str = PROCESS) -> SweepReport:
    """Mark silent workers, fail over, retry, tidy up.

    Safe to run twice, late or at the same time in several processes: only the holder
    of the lease acts, and every step changes rows by compare-and-set.
    """
    if _keep_lease_if_idle(holder=holder, now=now):
        return SweepReport()
    if not take_lease(holder=holder, now=now):
        return SweepReport(skipped=True)
    unhealthy = mark_stale_workers(now=now)
    moves = fail_over(now=now)
    retries = retry_waiting(now=now)
    tidy_up(now=now)
    conclude_deploys(now=now)
    probe_unreachable(now=now)  # last: it may wait for workers
    ClusterState.objects.filter(pk=THE_ROW).update(last_sweep_at=now)
    return SweepReport(
        unhealthy=unhealthy, reassigned=moves.moved, retried=retries.moved
    )


def take_lease(*, holder: str, now: datetime) -> bool:
    """Take or renew the right to sweep; False while another process has it."""
    load_cluster_state()
    row = ClusterState.objects.filter(_is_free(holder, now), pk=THE_ROW)
    return bool(row.update(sweep_holder=holder, sweep_lease_until=now + LEASE))


def _keep_lease_if_idle(*, holder: str, now: datetime) -> bool:
    """Take or renew the lease and be done, if no step of a sweep has work.

    One statement, whatever the size of the cluster: most sweeps find nothing. False
    says only that somebody has to look closer.
    """
    is_settling = Q(started_at__gte=silent_since(now))
    row = ClusterState.objects.filter(
        _is_free(holder, now),
        is_settling | ~Exists(silent_workers(now)),
        ~Exists(lost_with_placements(now) | unreachable_workers()),
        ~Exists(failed_placements().wanted()),
        ~Exists(ended_deploys()),
        was_tidied(now),
        pk=THE_ROW,
    )
    changes = {"sweep_lease_until": now + LEASE, "last_sweep_at": now}
    return bool(row.update(sweep_holder=holder, **changes))


def _is_free(holder: str, now: datetime) -> Q:
    return (
        Q(sweep_holder=holder)
        | Q(sweep_lease_until__isnull=True)
        | Q(sweep_lease_until__lte=now)
    )
