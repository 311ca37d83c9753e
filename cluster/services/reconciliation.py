"""Apply to the database what `cluster.reconcile` finds out (api.md 6.6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from cluster import conf
from cluster.models import Placement
from cluster.reconcile import (
    Action,
    Adopt,
    DesiredPlacement,
    LeaveForeign,
    Redeploy,
    RemoveCopy,
    ReportedPipeline,
    Slot,
    has_unreported,
    reconcile,
)
from cluster.services.background import dispatch_on_commit
from cluster.services.events import WARNING, record_event, record_event_once
from cluster.services.placements import claim_placement, unclaimed
from cluster.services.topology import bump_version
from cluster.state import PlacementStatus, check_transition

ActionJson = dict[str, Any]
KEEP_ORPHANS = "keep"
LARGEST_GENERATION = 2**31 - 1  # of the column
LONGEST_ID = 64  # characters, of the column


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What one worker says it runs.

    Placements unchanged since before `settled_before` count as lost if not reported.
    """

    worker_id: str
    pipelines: tuple[ReportedPipeline, ...]
    settled_before: datetime


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What workers are asked to do, and the groups whose placements changed.

    `unsettled` are workers whose next report has to be looked at too, be it the same.
    """

    actions: Mapping[str, tuple[ActionJson, ...]]
    group_ids: frozenset[UUID] = frozenset()
    unsettled: frozenset[str] = frozenset()


def parse_reported(items: Iterable[Any]) -> tuple[ReportedPipeline, ...]:
    """Read the pipelines of a report; entries of another shape are passed over."""
    found = (_parse_one(item) for item in items if isinstance(item, Mapping))
    return tuple(item for item in found if item is not None)


def reconcile_workers(
    *, reports: Sequence[WorkerReport], cluster_id: str, now: datetime
) -> ReconcileResult:
    """Compare reports with the placements and bring both together.

    One query reads the placements of all reports. Called in a transaction; deploys
    follow in the background on commit.
    """
    rows = _load_desired(reports)
    desired = (_desired(place, now) for place in rows.values())
    by_slot = {item.slot: item for item in desired}
    answers: dict[str, tuple[ActionJson, ...]] = {}
    redeployed: list[int] = []
    groups: set[UUID] = set()
    unsettled: set[str] = set()
    for report in reports:
        relevant = _relevant(by_slot, report)
        if has_unreported(relevant, report.pipelines, worker_id=report.worker_id):
            unsettled.add(report.worker_id)
        actions = reconcile(
            relevant,
            report.pipelines,
            worker_id=report.worker_id,
            cluster_id=cluster_id,
            settled_before=report.settled_before,
        )
        changed = [_apply(action, rows, report.worker_id, now) for action in actions]
        groups |= {place.group_id for place in changed if place is not None}
        redeployed += _redeployed(actions, changed)
        answers[report.worker_id] = _to_worker(actions)
    if groups:
        bump_version(group_ids=groups, worker_ids=answers)
    dispatch_on_commit(redeployed)
    return ReconcileResult(answers, frozenset(groups), frozenset(unsettled))


def _parse_one(item: Mapping[str, Any]) -> ReportedPipeline | None:
    pipeline_id, generation = item.get("id"), item.get("generation", 0)
    if not isinstance(pipeline_id, str) or not isinstance(generation, int):
        return None
    if len(pipeline_id) > LONGEST_ID or not 0 <= generation <= LARGEST_GENERATION:
        return None
    return ReportedPipeline(
        pipeline_id=pipeline_id,
        slot=_parse_slot(item),
        generation=generation,
        fingerprint=_text(item.get("fingerprint")),
        cluster_id=_text(item.get("cluster_id")),
    )


def _parse_slot(item: Mapping[str, Any]) -> Slot | None:
    name, replica = item.get("name"), item.get("replica", 0)
    if not isinstance(name, str) or not isinstance(replica, int):
        return None
    try:
        return UUID(_text(item.get("group_id"))), name, replica
    except ValueError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _load_desired(reports: Sequence[WorkerReport]) -> dict[int, Placement]:
    workers = [report.worker_id for report in reports]
    groups = {
        item.slot[0]
        for report in reports
        for item in report.pipelines
        if item.slot is not None
    }
    rows = (
        Placement.objects
        .wanted()
        .filter(Q(worker_id__in=workers) | Q(group_id__in=groups))
        .exclude(status=PlacementStatus.STOPPED.value)
        .defer("source")
    )
    return {place.pk: place for place in rows}


def _desired(place: Placement, now: datetime) -> DesiredPlacement:
    return DesiredPlacement(
        placement_id=place.pk,
        slot=(place.group_id, place.pipeline_name, place.replica),
        worker_id=place.worker_id,
        pipeline_id=place.pipeline_id,
        generation=place.generation,
        fingerprint=place.fingerprint,
        status=PlacementStatus(place.status),
        since=place.since,
        claimed=place.claimed_until is not None and place.claimed_until > now,
    )


def _relevant(
    by_slot: Mapping[Slot, DesiredPlacement], report: WorkerReport
) -> dict[Slot, DesiredPlacement]:
    reported = {item.slot for item in report.pipelines}
    return {
        slot: place
        for slot, place in by_slot.items()
        if place.worker_id == report.worker_id or slot in reported
    }


def _redeployed(
    actions: Sequence[Action], changed: Sequence[Placement | None]
) -> list[int]:
    pairs = zip(actions, changed, strict=True)
    return [
        place.pk for action, place in pairs if place and isinstance(action, Redeploy)
    ]


def _apply(
    action: Action, rows: Mapping[int, Placement], worker_id: str, now: datetime
) -> Placement | None:
    """Carry an action out; return the placement it changed, if it did."""
    match action:
        case Adopt():
            return _adopt(action, rows[action.placement_id], now)
        case Redeploy():
            return _redeploy(action, rows[action.placement_id], now)
        case RemoveCopy():
            record_event_once(
                key=action.pipeline_id,
                event_type="pipeline.orphan_removed",
                worker_id=worker_id,
                group_id=action.slot[0],
                message=f"'{worker_id}' runs a copy of '{action.slot[1]}' that is not "
                f"wanted ({action.reason})",
                data={"kept": _keeps_orphans()},
                now=now,
            )
        case LeaveForeign():
            record_event_once(
                key=action.pipeline_id,
                event_type="pipeline.foreign",
                worker_id=worker_id,
                message=f"'{worker_id}' runs a pipeline of cluster {action.cluster_id}",
                now=now,
            )
    return None


def _adopt(action: Adopt, place: Placement, now: datetime) -> Placement | None:
    check_transition(PlacementStatus(place.status), PlacementStatus.RUNNING)
    row = Placement.objects.filter(
        unclaimed(now),
        pk=place.pk,
        generation=place.generation,
        status=place.status,
    )
    taken = row.update(
        status=PlacementStatus.RUNNING.value,
        pipeline_id=action.pipeline_id,
        generation=action.generation,
        error=None,
        claimed_until=None,
        since=now,
    )
    if not taken:
        return None
    record_event(
        event_type="pipeline.adopted",
        worker_id=place.worker_id or "",
        group_id=place.group_id,
        message=f"pipeline '{place.pipeline_name}' was found running",
        now=now,
    )
    return place


def _redeploy(action: Redeploy, place: Placement, now: datetime) -> Placement | None:
    worker_id = place.worker_id or ""
    reason = f"{action.reason}, deployed again"
    if not claim_placement(place, worker_id=worker_id, reason=reason, now=now):
        return None
    record_event(
        event_type="pipeline.restarted",
        severity=WARNING,
        worker_id=worker_id,
        group_id=place.group_id,
        message=f"pipeline '{place.pipeline_name}' is deployed again: {action.reason}",
        now=now,
    )
    return place


def _to_worker(actions: Sequence[Action]) -> tuple[ActionJson, ...]:
    if _keeps_orphans():
        return ()
    return tuple(
        {
            "action": "remove_pipeline",
            "pipeline_id": item.pipeline_id,
            "reason": item.reason,
        }
        for item in actions
        if isinstance(item, RemoveCopy)
    )


def _keeps_orphans() -> bool:
    return conf.current().orphans == KEEP_ORPHANS
