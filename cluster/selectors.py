"""Reads for API, pages and the hot path; each with a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Count, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast

from cluster.event_routing import RouteRule
from cluster.exceptions import ConflictError, GroupNotFoundError, WorkerNotFoundError
from cluster.models import ClusterEvent, PipelineGroup, Placement, Route, Worker
from cluster.natural_order import natural_key
from cluster.placement import Candidate
from cluster.routing_snapshot import (
    KnownWorker,
    RoutedGroup,
    RoutedPlacement,
    RoutingSnapshot,
)
from cluster.services.topology import load_cluster_state
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus
from cluster.worker_targets import clear_key

NOT_ASSIGNED = (PlacementStatus.STOPPED.value, PlacementStatus.FAILED.value)
Unavailable = dict[str, str]

read_types = msgspec.json.Decoder(tuple[str, ...]).decode


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


@dataclass(frozen=True, slots=True)
class _WorkerSide:
    """What a placement shows of its worker."""

    id: str | None
    address: str | None
    pinned_host: str = ""
    api_key: str = field(default="", repr=False)
    status: WorkerStatus | None = None
    reachable: bool = False


NO_WORKER = _WorkerSide(None, None)


def load_routing_snapshot() -> RoutingSnapshot:
    """Read everything that the hot path needs, at one topology version.

    The version is read first: what is changed meanwhile is read too early rather than
    too late, and the next version brings it again.
    """
    state = load_cluster_state()
    workers = _worker_rows()
    groups, torn_down = _routed_groups({w.id: _worker_side(w) for w in workers})
    wanted = _wanted_by_worker(groups.values())
    by_name: dict[str, list[UUID]] = defaultdict(list)
    for group in groups.values():
        by_name[group.name].append(group.id)
    return RoutingSnapshot(
        cluster_id=str(state.cluster_id),
        version=state.version,
        groups=groups,
        group_ids_by_name={name: tuple(ids) for name, ids in by_name.items()},
        torn_down=frozenset(torn_down),
        workers={w.id: _known_worker(w, wanted.get(w.id, {})) for w in workers},
    )


class _WorkerRow(NamedTuple):
    """The columns of a worker that the hot path needs; named as in the model."""

    id: str
    address: str
    pinned_host: str
    api_key_encrypted: str
    api_key_hash: str
    instance_id: str
    status: str
    reachable: bool
    deregistered_at: datetime | None
    keeps_pipelines: bool


def _worker_rows() -> list[_WorkerRow]:
    """Read columns: rows of the model would cost three times as much."""
    rows = Worker.objects.order_by().values_list(*_WorkerRow._fields)
    return [_WorkerRow(*row) for row in rows]


def _wanted_by_worker(
    groups: Iterable[RoutedGroup],
) -> dict[str, dict[str, tuple[int, PlacementStatus]]]:
    found: dict[str, dict[str, tuple[int, PlacementStatus]]] = defaultdict(dict)
    for group in groups:
        for place in group.placements.values():
            if place.worker_id is not None:
                wanted = place.generation, place.status
                found[place.worker_id][place.pipeline_id] = wanted
    return found


def _routed_groups(
    workers: dict[str, _WorkerSide],
) -> tuple[dict[UUID, RoutedGroup], list[UUID]]:
    gone = GroupStatus.TORN_DOWN.value
    places, routes = _placements_by_group(workers), _routes_by_group()
    found: dict[UUID, RoutedGroup] = {}
    torn_down: list[UUID] = []
    rows = PipelineGroup.objects.annotate(key=Cast("id", TextField()))
    columns = "id", "key", "name", "status", "default_route"
    for group_id, key, name, status, default_route in rows.values_list(*columns):
        if status == gone:
            torn_down.append(group_id)
            continue
        found[group_id] = RoutedGroup(
            id=group_id,
            name=name,
            status=GroupStatus(status),
            default_route=default_route,
            routes=tuple(routes[key]),
            placements=places[key],
        )
    return found, torn_down


def _placements_by_group(
    workers: dict[str, _WorkerSide],
) -> dict[str, dict[str, RoutedPlacement]]:
    """Read placements as columns, by the id of their group as the database writes it.

    Rows of the model and ids as UUIDs would cost several times as much.
    """
    found: dict[str, dict[str, RoutedPlacement]] = defaultdict(dict)
    rows = Placement.objects.exclude(group__status=GroupStatus.TORN_DOWN.value)
    keyed = rows.annotate(key=Cast("group_id", TextField()))
    columns = "key", "pipeline_name", "worker_id", "pipeline_id"
    for key, name, worker_id, *rest in keyed.values_list(
        *columns, "generation", "status"
    ):
        pipeline_id, generation, status = rest
        side = workers.get(worker_id, NO_WORKER)
        found[key][name] = RoutedPlacement(
            pipeline_name=name,
            worker_id=side.id,
            address=side.address,
            pinned_host=side.pinned_host,
            api_key=side.api_key,
            pipeline_id=pipeline_id,
            generation=generation,
            status=PlacementStatus(status),
            worker_status=side.status,
            reachable=side.reachable,
        )
    return found


def _routes_by_group() -> dict[str, list[RouteRule]]:
    found: dict[str, list[RouteRule]] = defaultdict(list)
    rows = Route.objects.exclude(group__status=GroupStatus.TORN_DOWN.value)
    keyed = rows.annotate(
        key=Cast("group_id", TextField()), types=Cast("event_types", TextField())
    )
    columns = "key", "from_pipeline", "to_pipeline", "types"
    for key, source, target, types in keyed.values_list(*columns):
        found[key].append(RouteRule(source, target, read_types(types)))
    return found


def _worker_side(worker: _WorkerRow) -> _WorkerSide:
    return _WorkerSide(
        id=worker.id,
        address=worker.address,
        pinned_host=worker.pinned_host,
        api_key=clear_key(worker.api_key_encrypted),
        status=WorkerStatus(worker.status),
        reachable=worker.reachable,
    )


def _known_worker(
    worker: _WorkerRow, wanted: dict[str, tuple[int, PlacementStatus]]
) -> KnownWorker:
    return KnownWorker(
        id=worker.id,
        key_hash=worker.api_key_hash,
        instance_id=worker.instance_id,
        status=WorkerStatus(worker.status),
        deregistered=worker.deregistered_at is not None,
        keeps_pipelines=worker.keeps_pipelines,
        pipelines=wanted,
    )
