"""Which workers answer the coordinator's calls (api.md 5.3)."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from cluster.exceptions import WorkerCallError
from cluster.models import Worker
from cluster.models.worker import WorkerQuerySet
from cluster.services.events import WARNING, record_event
from cluster.services.parallel import call_each
from cluster.services.topology import bump_version
from cluster.worker_client import WorkerClient, get_client
from cluster.worker_targets import target_of

UNREACHABLE_AFTER = 3  # failed calls in a row


def record_call(*, worker_id: str, failed: bool, now: datetime) -> None:
    """Count how a call to a worker went; the third failure in a row is told."""
    row = Worker.objects.filter(pk=worker_id)
    if not failed:
        # one query on the usual way: nothing is written for a worker in order
        stumbled = row.exclude(failed_calls=0, reachable=True)
        if stumbled.exists():
            _set_reachable(worker_id, now)
        return
    row.update(failed_calls=F("failed_calls") + 1)
    with transaction.atomic():
        lost = row.filter(failed_calls__gte=UNREACHABLE_AFTER, reachable=True)
        if lost.update(reachable=False):
            bump_version(worker_ids=[worker_id])
            record_event(
                event_type="worker.unreachable",
                severity=WARNING,
                worker_id=worker_id,
                message=f"{UNREACHABLE_AFTER} calls in a row failed",
                now=now,
            )


def note_call(*, worker_id: str, error: WorkerCallError | None, now: datetime) -> None:
    """Count a call for or against the reachability of its worker."""
    failed = error is not None and error.counts_as_failed
    record_call(worker_id=worker_id, failed=failed, now=now)


def note_calls(
    outcomes: Iterable[tuple[str, WorkerCallError | None]], *, now: datetime
) -> None:
    """Count many calls: each failure, and one success per worker."""
    answered: set[str] = set()
    for worker_id, error in outcomes:
        if error is not None:
            note_call(worker_id=worker_id, error=error, now=now)
        elif worker_id not in answered:
            answered.add(worker_id)
            note_call(worker_id=worker_id, error=None, now=now)


def probe_unreachable(*, now: datetime, client: WorkerClient | None = None) -> int:
    """Ask workers that beat but could not be called whether they can be again."""
    client = client or get_client()
    targets = [target_of(worker) for worker in unreachable_workers()]
    answers = call_each(client.check_health, targets)
    back = [
        target.worker_id
        for target, answer in zip(targets, answers, strict=True)
        if not isinstance(answer, WorkerCallError)
    ]
    for worker_id in back:
        _set_reachable(worker_id, now)
    return len(back)


def unreachable_workers() -> WorkerQuerySet:
    """Return the workers that beat but could not be called."""
    return Worker.objects.alive().filter(reachable=False)


def _set_reachable(worker_id: str, now: datetime) -> None:
    with transaction.atomic():
        row = Worker.objects.filter(pk=worker_id)
        was_lost = row.filter(reachable=False).exists()
        row.update(failed_calls=0, reachable=True)
        if was_lost:
            bump_version(worker_ids=[worker_id])
            record_event(
                event_type="worker.recovered",
                worker_id=worker_id,
                message="answers calls again",
                now=now,
            )
