"""The status of a group follows from its placements (api.md 5.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch

from cluster.models import PipelineGroup, Placement
from cluster.services.events import ERROR, INFO, WARNING, record_event
from cluster.services.topology import bump_version
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus, check_transition

RUNS = frozenset({PlacementStatus.RUNNING, PlacementStatus.PAUSED})
LIVE = frozenset({GroupStatus.RUNNING, GroupStatus.PARTIALLY_RUNNING})


@dataclass(frozen=True, slots=True)
class PlacementState:
    """What counts of one placement. `is_served`: its worker is healthy and managed."""

    status: PlacementStatus
    is_served: bool


def derive_group_status(
    current: GroupStatus, placements: Sequence[PlacementState], *, has_started: bool
) -> GroupStatus:
    """Return the status that the placements amount to."""
    given_up = current is GroupStatus.FAILED and not has_started
    if current is GroupStatus.TORN_DOWN or given_up:
        return current
    runs = [item for item in placements if item.status in RUNS]
    deploying = any(item.status is PlacementStatus.DEPLOYING for item in placements)
    if runs and all(item.is_served for item in runs) and len(runs) == len(placements):
        return GroupStatus.RUNNING
    if not has_started:
        return _first_status(bool(runs), deploying)
    if not runs and not deploying:
        return GroupStatus.FAILED
    was_partial = current is GroupStatus.PARTIALLY_RUNNING
    if was_partial and not deploying and all(item.is_served for item in runs):
        return current
    return GroupStatus.DEGRADED


def refresh_group_status(*, group_ids: Iterable[UUID], now: datetime) -> None:
    """Bring the status of groups in line with their placements, and tell of it."""
    wanted = set(group_ids)
    if not wanted:
        return
    placements = Placement.objects.select_related("worker").defer("source")
    rows = PipelineGroup.objects.filter(pk__in=wanted).prefetch_related(
        Prefetch("placements", queryset=placements)
    )
    for group in rows:
        _refresh_one(group, now)


def mark_group(group: PipelineGroup, status: GroupStatus, now: datetime) -> bool:
    """Change a status by compare-and-set; False if somebody else was faster."""
    old = GroupStatus(group.status)
    check_transition(old, status)
    changes: dict[str, object] = {"status": status.value, "updated_at": now}
    if status in LIVE and group.started_at is None:
        changes["started_at"] = now
    if status is GroupStatus.TORN_DOWN:
        changes["torn_down_at"] = now
    with transaction.atomic():
        row = PipelineGroup.objects.filter(pk=group.pk, status=old.value)
        if not row.update(**changes):
            return False
        bump_version(group_ids=[group.pk])
        for name, value in changes.items():
            setattr(group, name, value)
    return True


def _first_status(some_run: bool, deploying: bool) -> GroupStatus:
    if deploying:
        return GroupStatus.DEPLOYING
    return GroupStatus.PARTIALLY_RUNNING if some_run else GroupStatus.FAILED


def _refresh_one(group: PipelineGroup, now: datetime) -> None:
    old = GroupStatus(group.status)
    states = [
        PlacementState(
            PlacementStatus(item.status),
            item.worker is not None
            and item.worker.deregistered_at is None
            and item.worker.status != WorkerStatus.UNHEALTHY.value,
        )
        for item in group.placements.all()
    ]
    new = derive_group_status(old, states, has_started=group.started_at is not None)
    if new is old or not mark_group(group, new, now):
        return
    told = {
        GroupStatus.DEGRADED: ("group.degraded", WARNING, "not every pipeline runs"),
        GroupStatus.FAILED: ("group.failed", ERROR, "no pipeline runs"),
        GroupStatus.RUNNING: ("group.recovered", INFO, "every pipeline runs"),
    }.get(new)
    if told is not None and old is not GroupStatus.DEPLOYING:
        event_type, severity, text = told
        record_event(
            event_type=event_type,
            severity=severity,
            group_id=group.pk,
            message=f"group '{group.name}': {text}",
            now=now,
        )
