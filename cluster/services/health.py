"""Statuses of workers: who is silent, who is full, who is back (api.md 6.1, 6.2)."""

from datetime import datetime

from django.db import transaction

from cluster import conf
from cluster.models import Placement, Worker
from cluster.models.worker import WorkerQuerySet
from cluster.services.events import ERROR, INFO, record_event
from cluster.services.group_status import refresh_group_status
from cluster.services.topology import bump_version, load_cluster_state
from cluster.state import WorkerStatus, check_transition

STOPPED_REASON = "stopped"


def mark_stale_workers(*, now: datetime) -> tuple[str, ...]:
    """Mark workers unhealthy that were silent for longer than the timeout.

    Silence counts from the start of the coordinator at the earliest, so that its own
    absence is not held against the workers.
    """
    started_at = load_cluster_state().started_at
    if started_at is not None and started_at >= silent_since(now):
        return ()
    silent = silent_workers(now)
    marked = [worker.id for worker in silent if _mark_silent(worker, now)]
    refresh_groups_of(worker_ids=marked, now=now)
    return tuple(marked)


def silent_workers(now: datetime) -> WorkerQuerySet:
    """Return the workers taken for alive that were silent for too long."""
    return Worker.objects.alive().filter(last_heartbeat_at__lt=silent_since(now))


def silent_since(now: datetime) -> datetime:
    """Return the time before which a last report makes a worker silent."""
    return now - conf.current().heartbeat_timeout_delta


def status_by_load(current: WorkerStatus, *, running: int, room: int) -> WorkerStatus:
    """Return what a worker that just reported is: `draining` stays so."""
    if current is WorkerStatus.DRAINING:
        return current
    return WorkerStatus.BUSY if running >= room else WorkerStatus.READY


def change_status(
    worker: Worker, status: WorkerStatus, *, reason: str | None, now: datetime
) -> bool:
    """Change a status by compare-and-set; False if somebody else was faster."""
    old = WorkerStatus(worker.status)
    check_transition(old, status)
    changes = {"status": status.value, "status_reason": reason, "status_since": now}
    with transaction.atomic():
        row = Worker.objects.filter(pk=worker.pk, status=old.value)
        if not row.update(**changes):
            return False
        for name, value in changes.items():
            setattr(worker, name, value)
        bump_version(worker_ids=[worker.pk])
    return True


def mark_alive(worker: Worker, status: WorkerStatus, now: datetime) -> bool:
    """Record the status that a worker which reported has, and tell if it is new.

    True if it was unhealthy: the caller then brings its groups up to date.
    """
    old = WorkerStatus(worker.status)
    if not change_status(worker, status, reason=None, now=now):
        return False
    if old is not WorkerStatus.UNHEALTHY:
        _tell(worker, f"worker.{status.value}", f"was {old.value}", now)
        return False
    Worker.objects.filter(pk=worker.pk).update(failed_calls=0, reachable=True)
    _tell(worker, "worker.recovered", "reports again", now)
    return True


def mark_stopped(worker: Worker, now: datetime) -> bool:
    """Record that a worker said it is stopping.

    True if that is new: the caller then brings its groups up to date.
    """
    if worker.status == WorkerStatus.UNHEALTHY.value:
        return False
    unhealthy = WorkerStatus.UNHEALTHY
    if not change_status(worker, unhealthy, reason=STOPPED_REASON, now=now):
        return False
    _tell(worker, "worker.stopping", "said that it stops", now)
    return True


def refresh_groups_of(*, worker_ids: list[str], now: datetime) -> None:
    """Bring the groups that have placements on these workers up to date."""
    if worker_ids:
        places = Placement.objects.wanted().filter(worker_id__in=worker_ids)
        group_ids = places.values_list("group_id", flat=True)
        refresh_group_status(group_ids=group_ids, now=now)


def _mark_silent(worker: Worker, now: datetime) -> bool:
    age_s = (now - worker.last_heartbeat_at).total_seconds()
    reason = f"no heartbeat for {age_s:.1f} s"
    fresh = Worker.objects.filter(
        pk=worker.pk, last_heartbeat_at=worker.last_heartbeat_at
    )
    with transaction.atomic():
        # a heartbeat that arrived since the read proves the worker alive
        if not fresh.exists():
            return False
        if not change_status(worker, WorkerStatus.UNHEALTHY, reason=reason, now=now):
            return False
        record_event(
            event_type="worker.unhealthy",
            severity=ERROR,
            worker_id=worker.pk,
            message=reason,
            cause="sweep",
            now=now,
        )
    return True


def _tell(worker: Worker, event_type: str, message: str, now: datetime) -> None:
    record_event(
        event_type=event_type,
        severity=INFO,
        worker_id=worker.pk,
        message=f"worker '{worker.pk}' {message}",
        now=now,
    )
