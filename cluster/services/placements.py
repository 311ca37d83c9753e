"""Changes of single placements: claim, run, fail. Each is one compare-and-set."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Greatest

from cluster.models import Placement, Worker
from cluster.state import PlacementStatus, check_transition

CLAIM = timedelta(seconds=60)  # longer than three calls of the HTTP timeout
DEPLOYING, RUNNING = PlacementStatus.DEPLOYING, PlacementStatus.RUNNING


def unclaimed(now: datetime) -> Q:
    """Return the condition that nobody is deploying a placement just now."""
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def claim_placement(
    placement: Placement, *, worker_id: str, reason: str, now: datetime
) -> bool:
    """Take a placement for a deploy under its next generation.

    False if it changed since it was read, or if another process is deploying it.
    """
    check_transition(PlacementStatus(placement.status), DEPLOYING)
    row = Placement.objects.filter(
        unclaimed(now),
        pk=placement.pk,
        generation=placement.generation,
        status=placement.status,
    )
    return bool(
        row.update(
            status=DEPLOYING.value,
            worker_id=worker_id,
            generation=placement.generation + 1,
            pipeline_id="",
            reason=reason,
            claimed_until=now + CLAIM,
            since=now,
        )
    )


def move_claim(
    placement: Placement, *, worker_id: str, reason: str, now: datetime
) -> bool:
    """Point a claimed placement at another worker, under its next generation."""
    changed = _claimed(placement).update(
        worker_id=worker_id,
        generation=placement.generation + 1,
        reason=reason,
        claimed_until=now + CLAIM,
    )
    return bool(changed)


def mark_running(
    placement: Placement, *, pipeline_id: str, fingerprint: str, now: datetime
) -> bool:
    """Record that a claimed placement runs; False if it is not wanted so any more.

    The caller counts it to its worker (`count_running`), with others at once.
    """
    changes: dict[str, Any] = {
        "status": RUNNING.value,
        "pipeline_id": pipeline_id,
        "error": None,
        "claimed_until": None,
        "since": now,
    }
    if fingerprint:
        changes["fingerprint"] = fingerprint
    return bool(_claimed(placement).update(**changes))


def mark_failed(
    placement: Placement, *, error: dict[str, Any], now: datetime, keep_worker: bool
) -> bool:
    """Record why a placement does not run; False if it changed since it was read."""
    check_transition(PlacementStatus(placement.status), PlacementStatus.FAILED)
    row = Placement.objects.filter(
        pk=placement.pk, generation=placement.generation, status=placement.status
    )
    changes: dict[str, Any] = {
        "status": PlacementStatus.FAILED.value,
        "error": error,
        "claimed_until": None,
        "since": now,
    }
    if not keep_worker:
        changes |= {"worker_id": None, "pipeline_id": ""}
    return bool(row.update(**changes))


def count_running(started: Mapping[str, int]) -> None:
    """Count pipelines to workers, or off them, until each one's next report.

    Else a full worker looks free meanwhile, and an emptied one full.
    """
    for worker_id, count in started.items():
        Worker.objects.filter(pk=worker_id).update(
            pipelines_running=Greatest(F("pipelines_running") + count, 0)
        )


def _claimed(placement: Placement) -> Any:
    return Placement.objects.filter(
        pk=placement.pk, generation=placement.generation, status=DEPLOYING.value
    )
