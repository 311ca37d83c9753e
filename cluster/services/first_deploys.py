"""How the first deploy of a group ends, also when whoever began it is gone (api.md 6.4).

A coordinator that is killed in the middle leaves a group `deploying`. Its claims run
out, what they covered is deployed again by the next report or sweep, and the sweep
concludes the group as the deploy would have done.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from cluster.models import PipelineGroup, Placement
from cluster.models.group import PipelineGroupQuerySet
from cluster.services.deployments import deploy_claimed
from cluster.services.events import ERROR, record_event
from cluster.services.group_status import mark_group, refresh_group_status
from cluster.services.removals import remove_stopped
from cluster.state import GroupStatus, PlacementStatus
from cluster.worker_client import WorkerClient


def deploy_again(
    *,
    placement_ids: Iterable[int],
    clock: Callable[[], datetime] = timezone.now,
    client: WorkerClient | None = None,
) -> None:
    """Deploy claimed placements of standing groups and bring their groups up to date.

    The background job behind reconciliation and failover.
    """
    ids = tuple(placement_ids)
    deploy_claimed(placement_ids=ids, clock=clock, client=client)
    groups = Placement.objects.filter(pk__in=ids).values_list("group_id", flat=True)
    _conclude(frozenset(groups), clock(), client)


def conclude_deploys(*, now: datetime, client: WorkerClient | None = None) -> int:
    """Conclude groups whose first deploy has ended but was never said to have.

    Harmless beside a deploy that is about to end by itself: both come to the same, by
    compare-and-set. Returns how many groups were looked at.
    """
    ids = frozenset(ended_deploys().values_list("pk", flat=True))
    _conclude(ids, now, client)
    return len(ids)


def ended_deploys() -> PipelineGroupQuerySet:
    """Return the groups that wait for a deploy which is over."""
    waiting = PipelineGroup.objects.filter(status=GroupStatus.DEPLOYING.value)
    deploying = Placement.objects.filter(status=PlacementStatus.DEPLOYING.value)
    return waiting.exclude(pk__in=deploying.values("group_id"))


def give_up_group(
    *, group: PipelineGroup, now: datetime, client: WorkerClient | None = None
) -> None:
    """Mark a group failed and take off its workers what was started."""
    running = PlacementStatus.RUNNING.value
    started = list(group.placements.filter(status=running).values_list("pk", flat=True))
    with transaction.atomic():
        if not mark_group(group, GroupStatus.FAILED, now):
            return  # torn down meanwhile, which removes the copies as well
        group.placements.filter(pk__in=started).update(
            status=PlacementStatus.STOPPED.value,
            reason="removed, as another pipeline of the group did not start",
            since=now,
        )
        record_event(
            event_type="group.failed",
            severity=ERROR,
            group_id=group.pk,
            message=f"group '{group.name}' did not start",
            now=now,
        )
    remove_stopped(group=group, now=now, client=client)


def _conclude(
    group_ids: frozenset[UUID], now: datetime, client: WorkerClient | None
) -> None:
    if not group_ids:
        return
    first = PipelineGroup.objects.filter(
        pk__in=group_ids, status=GroupStatus.DEPLOYING.value, started_at__isnull=True
    )
    for group in first:
        if group.spec.get("atomic", True) and _has_failed(group):
            give_up_group(group=group, now=now, client=client)
    refresh_group_status(group_ids=group_ids, now=now)


def _has_failed(group: PipelineGroup) -> bool:
    """Tell whether all placements have had their turn and one does not run."""
    statuses = set(group.placements.values_list("status", flat=True))
    ended = PlacementStatus.DEPLOYING.value not in statuses
    return ended and PlacementStatus.FAILED.value in statuses
