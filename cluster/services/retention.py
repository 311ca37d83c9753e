"""Forget what is old (api.md 12: VARPULIS_RETENTION_DAYS)."""

from datetime import datetime, timedelta

from django.db.models import Q

from cluster import conf
from cluster.models import (
    AuditEntry,
    ClusterEvent,
    ClusterState,
    PipelineGroup,
    Placement,
    Worker,
)
from cluster.models.topology import THE_ROW
from cluster.services.topology import bump_version
from cluster.state import GroupStatus, WorkerStatus

TIDY_EVERY = timedelta(hours=1)
FORGET_WORKERS_AFTER = timedelta(hours=24)


def tidy_up(*, now: datetime) -> bool:
    """Delete what is past its time, at most once an hour; tell whether it ran."""
    state = ClusterState.objects.exclude(was_tidied(now))
    if not state.filter(pk=THE_ROW).update(tidied_at=now):
        return False
    limit = now - timedelta(days=conf.current().retention_days)
    ClusterEvent.objects.filter(at__lt=limit).delete()
    AuditEntry.objects.filter(at__lt=limit).delete()
    _forget_groups(limit)
    _forget_workers(now, limit)
    return True


def was_tidied(now: datetime) -> Q:
    """Return the condition on the cluster's row that it is too soon to tidy up."""
    return Q(tidied_at__isnull=False, tidied_at__gt=now - TIDY_EVERY)


def _forget_groups(limit: datetime) -> None:
    old = PipelineGroup.objects.filter(
        status=GroupStatus.TORN_DOWN.value, torn_down_at__lt=limit
    )
    ids = list(old.values_list("pk", flat=True))
    if ids:
        PipelineGroup.objects.filter(pk__in=ids).delete()
        bump_version(group_ids=ids)  # nobody remembers that they stood


def _forget_workers(now: datetime, limit: datetime) -> None:
    in_use = Placement.objects.assigned().values("worker_id")
    silent = Worker.objects.registered().filter(
        status=WorkerStatus.UNHEALTHY.value,
        status_since__lt=now - FORGET_WORKERS_AFTER,
    )
    left = Worker.objects.filter(deregistered_at__lt=limit)
    silent, left = silent.exclude(pk__in=in_use), left.exclude(pk__in=in_use)
    ids = [*silent.values_list("id", flat=True), *left.values_list("id", flat=True)]
    if ids:
        Worker.objects.filter(pk__in=ids).delete()
        bump_version(worker_ids=ids)
