"""Compare what should run on a worker with what it reports (api.md 6.6). Pure.

Used alike for a registration, a heartbeat and the sweep. The database row is the truth
about what should run, the report is the truth about what does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cluster.state import PlacementStatus

Slot = tuple[UUID, str, int]
"""Group, pipeline name and replica: the place that one running copy fills."""


@dataclass(frozen=True, slots=True)
class DesiredPlacement:
    """One placement of a group that should run, on whatever worker.

    `claimed` means that a deploy is under way, whose outcome is not known yet.
    """

    placement_id: int
    slot: Slot
    worker_id: str | None
    pipeline_id: str
    generation: int
    fingerprint: str
    status: PlacementStatus
    since: datetime
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class ReportedPipeline:
    """One pipeline as its worker reported it; `slot` is None if put there by hand."""

    pipeline_id: str
    slot: Slot | None
    generation: int = 0
    fingerprint: str = ""
    cluster_id: str = ""


@dataclass(frozen=True, slots=True)
class Adopt:
    """The copy is the one wanted: record it as running, deploy nothing."""

    placement_id: int
    pipeline_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class Redeploy:
    """The copy is missing or differs: deploy again under the next generation."""

    placement_id: int
    generation: int
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveCopy:
    """The copy is ours and not wanted (any more): the worker should drop it."""

    pipeline_id: str
    slot: Slot
    reason: str


@dataclass(frozen=True, slots=True)
class LeaveForeign:
    """The copy belongs to another cluster: left running, only shown."""

    pipeline_id: str
    cluster_id: str


Action = Adopt | Redeploy | RemoveCopy | LeaveForeign


def reconcile(
    desired: Mapping[Slot, DesiredPlacement],
    reported: Sequence[ReportedPipeline],
    *,
    worker_id: str,
    cluster_id: str,
    settled_before: datetime,
) -> tuple[Action, ...]:
    """Return what has to be done so that the worker runs what it should.

    `desired` holds the placements of this worker and those of the reported slots.
    A report may have been written before a deploy that was answered since: only a
    placement unchanged since before `settled_before` counts as lost when it is missing.
    """
    actions: list[Action] = []
    kept: dict[Slot, str] = {}
    ids = {item.pipeline_id for item in reported}
    for item in reported:
        action = _judge_copy(item, desired, ids, (worker_id, cluster_id))
        if isinstance(action, _Keep):
            kept[action.slot] = item.pipeline_id
        elif action is not None:
            actions.append(action)
            if isinstance(action, Adopt | Redeploy) and item.slot is not None:
                kept[item.slot] = item.pipeline_id
    actions += [
        Redeploy(place.placement_id, place.generation, "lost by its worker")
        for slot, place in desired.items()
        if slot not in kept and _is_lost(place, worker_id, settled_before)
    ]
    return tuple(actions)


def has_unreported(
    desired: Mapping[Slot, DesiredPlacement],
    reported: Sequence[ReportedPipeline],
    *,
    worker_id: str,
) -> bool:
    """Tell whether something that should run here was not reported (yet)."""
    slots = {item.slot for item in reported}
    return any(
        place.worker_id == worker_id
        and slot not in slots
        and place.status is not PlacementStatus.FAILED
        for slot, place in desired.items()
    )


@dataclass(frozen=True, slots=True)
class _Keep:
    slot: Slot


def _judge_copy(
    item: ReportedPipeline,
    desired: Mapping[Slot, DesiredPlacement],
    reported_ids: set[str],
    here: tuple[str, str],
) -> Action | _Keep | None:
    worker_id, cluster_id = here
    if item.slot is None:
        return None
    if item.cluster_id and item.cluster_id != cluster_id:
        return LeaveForeign(item.pipeline_id, item.cluster_id)
    place = desired.get(item.slot)
    if place is None:
        return RemoveCopy(item.pipeline_id, item.slot, "unknown_group")
    if place.worker_id != worker_id or item.generation < place.generation:
        return RemoveCopy(item.pipeline_id, item.slot, "stale_generation")
    return _judge_current(item, place, reported_ids)


def _judge_current(
    item: ReportedPipeline, place: DesiredPlacement, reported_ids: set[str]
) -> Action | _Keep:
    if place.claimed:
        return _Keep(place.slot)
    if place.pipeline_id != item.pipeline_id and place.pipeline_id in reported_ids:
        return RemoveCopy(item.pipeline_id, place.slot, "duplicate")
    if _differs(item.fingerprint, place.fingerprint):
        return Redeploy(place.placement_id, place.generation, "fingerprint differs")
    recorded = place.pipeline_id == item.pipeline_id
    running = place.status in {PlacementStatus.RUNNING, PlacementStatus.PAUSED}
    if recorded and running and item.generation == place.generation:
        return _Keep(place.slot)
    return Adopt(place.placement_id, item.pipeline_id, item.generation)


def _differs(reported: str, recorded: str) -> bool:
    return bool(reported and recorded and reported != recorded)


def _is_lost(place: DesiredPlacement, worker_id: str, settled_before: datetime) -> bool:
    if place.worker_id != worker_id or place.claimed:
        return False
    if place.status is PlacementStatus.DEPLOYING:
        return True
    running = place.status in {PlacementStatus.RUNNING, PlacementStatus.PAUSED}
    return running and place.since <= settled_before
