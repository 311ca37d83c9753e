"""Take copies of pipelines off their workers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cluster.exceptions import WorkerCallError
from cluster.models import PipelineGroup
from cluster.services.parallel import call_each
from cluster.services.placements import count_running
from cluster.services.reachability import note_calls
from cluster.state import PlacementStatus
from cluster.worker_client import WorkerClient, WorkerTarget, get_client
from cluster.worker_targets import target_of


@dataclass(frozen=True, slots=True)
class PendingRemoval:
    """A copy that could not be removed yet; it goes when its worker reports again."""

    pipeline_name: str
    worker_id: str
    pipeline_id: str


def remove_copies(
    *,
    copies: Sequence[tuple[WorkerTarget, str]],
    now: datetime,
    client: WorkerClient | None = None,
) -> list[bool]:
    """Take running copies off their workers, all at once; tell which are gone."""
    if not copies:
        return []
    client = client or get_client()

    def remove(copy: tuple[WorkerTarget, str]) -> None:
        client.remove_pipeline(*copy)

    answers = call_each(remove, copies)
    ids = [target.worker_id for target, _ in copies]
    gone = [not isinstance(answer, WorkerCallError) for answer in answers]
    removed = Counter(key for key, ok in zip(ids, gone, strict=True) if ok)
    with transaction.atomic():  # one commit for all, not one per copy
        note_calls(zip(ids, answers, strict=True), now=now)
        count_running({key: -count for key, count in removed.items()})
    return gone


def remove_stopped(
    *, group: PipelineGroup, now: datetime, client: WorkerClient | None = None
) -> tuple[PendingRemoval, ...]:
    """Remove the stopped copies of a group; return those that are still there."""
    rows = group.placements.filter(
        status=PlacementStatus.STOPPED.value, worker__isnull=False
    ).exclude(pipeline_id="")
    places = list(rows.select_related("worker"))
    copies = [(target_of(p.worker), p.pipeline_id) for p in places if p.worker]
    gone = remove_copies(copies=copies, now=now, client=client)
    removed = [place.pk for place, ok in zip(places, gone, strict=True) if ok]
    group.placements.filter(pk__in=removed).update(pipeline_id="")
    return tuple(
        PendingRemoval(place.pipeline_name, place.worker_id or "", place.pipeline_id)
        for place, ok in zip(places, gone, strict=True)
        if not ok
    )
