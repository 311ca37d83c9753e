"""Reads for API and pages; each with a constant number of queries."""

from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from cluster.exceptions import ConflictError, GroupNotFoundError, WorkerNotFoundError
from cluster.models import ClusterEvent, PipelineGroup, Placement, Worker
from cluster.natural_order import natural_key
from cluster.placement import Candidate
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus

NOT_ASSIGNED = (PlacementStatus.STOPPED.value, PlacementStatus.FAILED.value)
Unavailable = dict[str, str]


def load_candidates() -> tuple[list[Candidate], Unavailable]:
    """Return the workers that take placements, and why the others do not."""
    assigned = Count("placements", filter=~Q(placements__status__in=NOT_ASSIGNED))
    candidates: list[Candidate] = []
    unavailable: Unavailable = {}
    counts = dict(Worker.objects.annotate(n=assigned).values_list("id", "n"))
    for worker in Worker.objects.registered():
        obstacle = _obstacle(worker)
        if obstacle is not None:
            unavailable[worker.id] = obstacle
            continue
        candidates.append(
            Candidate(
                worker_id=worker.id,
                assigned=counts.get(worker.id, 0),
                running=worker.pipelines_running,
                max_pipelines=worker.max_pipelines,
                cpu_cores=worker.cpu_cores,
                cpu_percent=_number(worker.load.get("cpu_percent")),
            )
        )
    return candidates, unavailable


def _obstacle(worker: Worker) -> str | None:
    if worker.status != WorkerStatus.READY.value:
        return str(worker.status)
    if not worker.reachable:
        return "not reachable"
    return "cordoned" if worker.cordoned else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def list_workers(*, status: str = "", label: str = "", text: str = "") -> list[Worker]:
    """Return registered workers in natural order of their ids, placements loaded.

    `label` is `key:value` or `key`; `text` is looked for in id, address and host name.
    """
    rows = Worker.objects.registered().prefetch_related(_assigned_placements())
    if status:
        rows = rows.filter(status=status)
    if text:
        rows = rows.filter(
            Q(id__icontains=text)
            | Q(address__icontains=text)
            | Q(hostname__icontains=text)
        )
    found = sorted(rows, key=lambda worker: natural_key(worker.id))
    return [worker for worker in found if has_label(worker.labels, label)]


def has_label(labels: dict[str, object], wanted: str) -> bool:
    """Tell whether labels hold `key:value`, or `key` with any value."""
    key, colon, value = wanted.partition(":")
    if not wanted:
        return True
    return key in labels and (not colon or str(labels[key]) == value)


def get_worker(worker_id: str) -> Worker:
    """Return a registered worker with its placements, or raise."""
    rows = Worker.objects.registered().prefetch_related(_assigned_placements())
    worker = rows.filter(pk=worker_id).first()
    if worker is None:
        raise WorkerNotFoundError(f"no worker '{worker_id}' is registered")
    return worker


def _assigned_placements() -> "Prefetch[str, QuerySet[Placement], str]":
    rows = Placement.objects.assigned().order_by("since", "group_id", "position")
    return Prefetch("placements", queryset=rows, to_attr="assigned_placements")


def list_groups(
    *,
    status: str = "",
    name: str = "",
    worker_id: str = "",
    label: str = "",
    with_torn_down: bool = False,
) -> list[PipelineGroup]:
    """Return groups, newest first, with placements, their workers, and routes."""
    rows = _whole_groups()
    if not with_torn_down and status != GroupStatus.TORN_DOWN.value:
        rows = rows.exclude(status=GroupStatus.TORN_DOWN.value)
    if status:
        rows = rows.filter(status=status)
    if name:
        rows = rows.filter(name=name)
    if worker_id:
        held = Placement.objects.assigned().filter(worker_id=worker_id)
        rows = rows.filter(pk__in=held.values("group_id"))
    return [group for group in rows if has_label(group.labels, label)]


def get_group(group_id: str | UUID) -> PipelineGroup:
    """Return a group by id, a torn-down one too, or raise."""
    try:
        key = group_id if isinstance(group_id, UUID) else UUID(group_id)
    except ValueError:
        raise _no_group(group_id) from None
    group = _whole_groups().filter(pk=key).first()
    if group is None:
        raise _no_group(group_id)
    return group


def get_group_by_name(name: str) -> PipelineGroup:
    """Return the standing group of this name; raise if there is none or several.

    Without a standing one the newest of that name which was torn down is returned.
    """
    found = list(_whole_groups().filter(name=name))
    standing = [group for group in found if group.status != GroupStatus.TORN_DOWN.value]
    if len(standing) > 1:
        ids = ", ".join(str(group.pk) for group in standing)
        raise ConflictError(
            f"{len(standing)} groups are named '{name}'; use one of the ids {ids}",
            code="ambiguous_name",
            details={"group_ids": [str(group.pk) for group in standing]},
        )
    if not found:
        raise _no_group(name)
    return standing[0] if standing else found[0]


def _whole_groups() -> "QuerySet[PipelineGroup]":
    placements = Placement.objects.select_related("worker")
    return PipelineGroup.objects.prefetch_related(
        Prefetch("placements", queryset=placements), "routes"
    )


def _no_group(group_id: object) -> GroupNotFoundError:
    return GroupNotFoundError(f"no pipeline group '{group_id}'")


def list_events(
    *,
    event_type: str = "",
    worker_id: str = "",
    group_id: str = "",
    severity: str = "",
    words: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before_seq: int | None = None,
    limit: int = 1000,
) -> list[ClusterEvent]:
    """Return cluster events, newest first, from just below `before_seq`.

    `words` are a part of the message; `since` is included, `until` is not.
    """
    filters = {
        "type__startswith": event_type,
        "worker_id": worker_id,
        "group_id": group_id,
        "severity": severity,
        "message__icontains": words,
        "at__gte": since,
        "at__lt": until,
        "seq__lt": before_seq,
    }
    given = {key: value for key, value in filters.items() if value not in {"", None}}
    return list(ClusterEvent.objects.filter(**given)[:limit])
