"""Give placements another worker: failover, retry of what waits, moves (api.md 6.6)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from cluster import conf
from cluster.metrics import SERIES
from cluster.models import Placement, Worker
from cluster.models.placement import PlacementQuerySet
from cluster.models.worker import WorkerQuerySet
from cluster.placement import ROUND_ROBIN, Choice, WantedPipeline, plan_placements
from cluster.selectors import load_candidates
from cluster.services.background import dispatch_on_commit
from cluster.services.events import ERROR, WARNING, record_event
from cluster.services.group_status import refresh_group_status
from cluster.services.placements import claim_placement, mark_failed, unclaimed
from cluster.services.topology import bump_version
from cluster.state import PlacementStatus, WorkerStatus

NO_WORKER = "no_workers_available"
RETRY_PAUSE = timedelta(seconds=30)
RETRIED_ERRORS = frozenset({
    "quota_exceeded",
    "worker_error",
    "worker_timeout",
    "worker_unreachable",
})
ON_A_WORKER = (
    PlacementStatus.RUNNING.value,
    PlacementStatus.PAUSED.value,
    PlacementStatus.DEPLOYING.value,
)


@dataclass(frozen=True, slots=True)
class MoveReport:
    """How many placements got another worker, and how many wait for one."""

    moved: int = 0
    waiting: int = 0


def fail_over(*, now: datetime) -> MoveReport:
    """Move the placements of workers that stayed unhealthy past the grace time.

    Those that a deregistered worker still has, as they were being deployed when it
    went, are moved too.
    """
    rows = Placement.objects.wanted().filter(
        unclaimed(now), worker__in=_lost_workers(now), status__in=ON_A_WORKER
    )
    report = move_placements(placements=_loaded(rows), cause="failover", now=now)
    SERIES.failovers.labels("moved").inc(report.moved)
    SERIES.failovers.labels("waiting").inc(report.waiting)
    return report


def lost_with_placements(now: datetime) -> WorkerQuerySet:
    """Return the lost workers that placements have to leave, now or soon."""
    # Not a join: databases begin it with the placements, which are many more.
    held = Placement.objects.filter(worker=OuterRef("pk"), status__in=ON_A_WORKER)
    return _lost_workers(now).filter(Exists(held))


def retry_waiting(*, now: datetime) -> MoveReport:
    """Try again to place what failed for want of a worker.

    What a worker failed to deploy is tried again after a pause, so that a pipeline
    which fails everywhere does not keep the cluster busy.
    """
    failed = failed_placements()
    if not failed.exists():  # the usual case, and asked by every worker that joins
        return MoveReport()
    waiting = [place for place in _loaded(failed.wanted()) if _is_due(place, now)]
    return move_placements(placements=waiting, cause="retry", now=now)


def failed_placements() -> PlacementQuerySet:
    """Return what does not run, of groups that were given up too."""
    return Placement.objects.filter(status=PlacementStatus.FAILED.value)


def move_placements(
    *, placements: Sequence[Placement], cause: str, now: datetime
) -> MoveReport:
    """Give each placement a new generation on another worker, or mark that it waits.

    The deploys run in the background once this is committed. A placement that changed
    since it was read is left to whoever changed it.
    """
    if not placements:
        return MoveReport()
    moved = waiting = 0
    for strategy, places in _by_strategy(placements).items():
        candidates, unavailable = load_candidates()
        plan = plan_placements(
            [_wanted(place, cause) for place in places],
            candidates,
            strategy=strategy,
            unavailable=unavailable,
        )
        with transaction.atomic():
            claimed = _apply(places, plan.choices, cause, now)
        moved += len(claimed)
        waiting += len(places) - len(claimed)
    refresh_group_status(group_ids={item.group_id for item in placements}, now=now)
    return MoveReport(moved, waiting)


def _lost_workers(now: datetime) -> WorkerQuerySet:
    is_down = Q(
        status=WorkerStatus.UNHEALTHY.value,
        status_since__lte=now - conf.current().failover_grace_delta,
        deregistered_at__isnull=True,
    )
    is_gone = Q(deregistered_at__isnull=False, keeps_pipelines=False)
    return Worker.objects.filter(is_down | is_gone)


def _is_due(place: Placement, now: datetime) -> bool:
    code = (place.error or {}).get("code")
    if code == NO_WORKER:
        return True
    return code in RETRIED_ERRORS and place.since <= now - RETRY_PAUSE


def _loaded(rows: Iterable[Placement]) -> list[Placement]:
    query = rows.select_related("group")  # type: ignore[attr-defined]  # a query set
    return list(query.order_by("group__created_at", "group_id", "position"))


def _by_strategy(placements: Sequence[Placement]) -> dict[str, list[Placement]]:
    found: dict[str, list[Placement]] = defaultdict(list)
    for place in placements:
        found[place.group.spec.get("placement") or ROUND_ROBIN].append(place)
    return found


def _wanted(place: Placement, cause: str) -> WantedPipeline:
    left = frozenset({place.worker_id}) if place.worker_id and cause != "retry" else ()
    return WantedPipeline(
        place.pipeline_name, place.worker_affinity or None, frozenset(left)
    )


def _apply(
    places: Sequence[Placement],
    choices: Sequence[Choice],
    cause: str,
    now: datetime,
) -> list[int]:
    claimed: list[int] = []
    touched: set[UUID] = set()
    for place, choice in zip(places, choices, strict=True):
        if choice.worker_id is None:
            if _let_wait(place, choice.reason, cause, now):
                touched.add(place.group_id)
        elif _take(place, choice.worker_id, choice.reason, (cause, now)):
            claimed.append(place.pk)
            touched.add(place.group_id)
    if touched:
        bump_version(group_ids=touched)
    dispatch_on_commit(claimed)
    return claimed


def _take(
    place: Placement, worker_id: str, how: str, why: tuple[str, datetime]
) -> bool:
    cause, now = why
    source = place.worker_id
    reason = f"{cause} from {source}" if source and cause != "retry" else how
    if not claim_placement(place, worker_id=worker_id, reason=reason, now=now):
        return False
    record_event(
        event_type="failover.started" if cause == "failover" else "pipeline.moved",
        severity=WARNING,
        worker_id=worker_id,
        group_id=place.group_id,
        message=f"pipeline '{place.pipeline_name}' goes from "
        f"'{source or 'no worker'}' to '{worker_id}'",
        cause=cause,
        now=now,
    )
    return True


def _let_wait(place: Placement, why: str, cause: str, now: datetime) -> bool:
    """Mark a placement that nobody can take; False if it waits already."""
    if place.status == PlacementStatus.FAILED.value:
        return False
    error = {"error": why, "code": NO_WORKER}
    source = place.worker_id
    if not mark_failed(place, error=error, now=now, keep_worker=False):
        return False
    Placement.objects.filter(pk=place.pk).update(reason=f"{cause} from {source}")
    record_event(
        event_type="failover.waiting",
        severity=ERROR,
        worker_id=source or "",
        group_id=place.group_id,
        message=f"pipeline '{place.pipeline_name}' waits for a worker: {why}",
        cause=cause,
        now=now,
    )
    return True
