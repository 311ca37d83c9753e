"""Reads what the hot path needs of the database, all of it or what changes touched."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from cluster.event_routing import RouteRule
from cluster.models import PipelineGroup, Placement, Route, Worker
from cluster.notices import Notices, Touched
from cluster.routing_snapshot import (
    KnownWorker,
    RoutedGroup,
    RoutedPlacement,
    RoutingSnapshot,
)
from cluster.services import notify
from cluster.services.topology import ClusterVersion, load_version
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus
from cluster.worker_targets import clear_key

read_types = msgspec.json.Decoder(tuple[str, ...]).decode


class RoutingReader:
    """Remembers the last snapshot and reads what changed since.

    `read` is called by one thread at a time, `hear` by any.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._noting = threading.Lock()
        self._notices = Notices()
        self._last: RoutingSnapshot | None = None
        self._workers: dict[str, _WorkerRow] = {}

    def hear(self, change: notify.TopologyChanged) -> None:
        """Take note of a committed change."""
        with self._noting:
            self._notices.take(change)

    def read(self) -> RoutingSnapshot:
        """Return everything that the hot path needs, at one topology version.

        The version is read first: what is changed meanwhile is read too early rather
        than too late, and the next version brings it again.
        """
        version = load_version()
        with self._noting:
            touched = self._notices.touched(version.version)
            self._notices.forget()  # until this reading has worked
        last = self._last
        if last is None or last.cluster_id != str(version.cluster_id):
            touched = None
        if last is None or touched is None:
            snapshot = self._read_all(version)
        else:
            snapshot = self._read_again(last, touched, version)
        self._last = snapshot
        with self._noting:
            self._notices.settle(version.version)
        return snapshot

    def _read_all(self, version: ClusterVersion) -> RoutingSnapshot:
        self._workers = _read_workers()
        groups, torn_down = _read_groups(_sides(self._workers))
        known = _known_workers(self._workers, groups.values())
        return _snapshot(version, groups, torn_down, known)

    def _read_again(
        self, last: RoutingSnapshot, touched: Touched, version: ClusterVersion
    ) -> RoutingSnapshot:
        self._read_workers_again(touched.worker_ids)
        ids = frozenset(map(UUID, touched.group_ids))
        fresh, torn_down = _read_groups(_sides(self._workers), ids) if ids else ({}, ())
        changed = {key: self._side(key) for key in touched.worker_ids}
        groups = fresh | {
            key: _with_sides(group, changed)
            for key, group in last.groups.items()
            if key not in ids
        }
        left = [last.groups[key] for key in ids if key in last.groups]
        affected = touched.worker_ids | _holders([*fresh.values(), *left])
        rows = {k: self._workers[k] for k in affected if k in self._workers}
        known = {k: found for k, found in last.workers.items() if k not in affected}
        known |= _known_workers(rows, groups.values())
        return _snapshot(version, groups, {*(last.torn_down - ids), *torn_down}, known)

    def _read_workers_again(self, ids: frozenset[str]) -> None:
        fresh = _read_workers(ids) if ids else {}
        for key in ids - fresh.keys():
            self._workers.pop(key, None)
        self._workers |= fresh

    def _side(self, worker_id: str) -> "_Side":
        row = self._workers.get(worker_id)
        return _side(row) if row else NO_WORKER


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


@dataclass(frozen=True, slots=True)
class _Side:
    """What a placement shows of its worker."""

    id: str | None
    address: str | None
    pinned_host: str = ""
    api_key: str = field(default="", repr=False)
    status: WorkerStatus | None = None
    reachable: bool = False


NO_WORKER = _Side(None, None)


def load_routing_snapshot() -> RoutingSnapshot:
    """Read everything that the hot path needs, at one topology version."""
    return RoutingReader().read()


def _snapshot(
    version: ClusterVersion,
    groups: Mapping[UUID, RoutedGroup],
    torn_down: Iterable[UUID],
    workers: Mapping[str, KnownWorker],
) -> RoutingSnapshot:
    by_name: dict[str, list[UUID]] = defaultdict(list)
    for group in groups.values():
        by_name[group.name].append(group.id)
    return RoutingSnapshot(
        cluster_id=str(version.cluster_id),
        version=version.version,
        groups=groups,
        group_ids_by_name={name: tuple(ids) for name, ids in by_name.items()},
        torn_down=frozenset(torn_down),
        workers=workers,
    )


def _read_workers(ids: Iterable[str] | None = None) -> dict[str, _WorkerRow]:
    """Read columns: rows of the model would cost three times as much."""
    rows = Worker.objects.order_by()
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    found = (_WorkerRow(*row) for row in rows.values_list(*_WorkerRow._fields))
    return {row.id: row for row in found}


def _sides(rows: Mapping[str, _WorkerRow]) -> dict[str, _Side]:
    return {key: _side(row) for key, row in rows.items()}


def _side(row: _WorkerRow) -> _Side:
    return _Side(
        id=row.id,
        address=row.address,
        pinned_host=row.pinned_host,
        api_key=clear_key(row.api_key_encrypted),
        status=WorkerStatus(row.status),
        reachable=row.reachable,
    )


def _with_sides(group: RoutedGroup, changed: Mapping[str, _Side]) -> RoutedGroup:
    """Return the group with what its placements show now of some workers."""
    if not any(place.worker_id in changed for place in group.placements.values()):
        return group
    placements = {
        name: _on(place, changed.get(place.worker_id or ""))
        for name, place in group.placements.items()
    }
    return replace(group, placements=placements)


def _on(place: RoutedPlacement, side: _Side | None) -> RoutedPlacement:
    if side is None:
        return place
    return replace(
        place,
        worker_id=side.id,
        address=side.address,
        pinned_host=side.pinned_host,
        api_key=side.api_key,
        worker_status=side.status,
        reachable=side.reachable,
    )


def _holders(groups: Iterable[RoutedGroup]) -> frozenset[str]:
    return frozenset(
        place.worker_id
        for group in groups
        for place in group.placements.values()
        if place.worker_id is not None
    )


def _known_workers(
    rows: Mapping[str, _WorkerRow], groups: Iterable[RoutedGroup]
) -> dict[str, KnownWorker]:
    wanted: dict[str, dict[str, tuple[int, PlacementStatus]]] = {k: {} for k in rows}
    for group in groups:
        for place in group.placements.values():
            if place.worker_id in wanted:
                what = place.generation, place.status
                wanted[place.worker_id][place.pipeline_id] = what
    return {key: _known_worker(row, wanted[key]) for key, row in rows.items()}


def _known_worker(
    row: _WorkerRow, wanted: Mapping[str, tuple[int, PlacementStatus]]
) -> KnownWorker:
    return KnownWorker(
        id=row.id,
        key_hash=row.api_key_hash,
        instance_id=row.instance_id,
        status=WorkerStatus(row.status),
        deregistered=row.deregistered_at is not None,
        keeps_pipelines=row.keeps_pipelines,
        pipelines=wanted,
    )


def _read_groups(
    sides: Mapping[str, _Side], ids: frozenset[UUID] | None = None
) -> tuple[dict[UUID, RoutedGroup], list[UUID]]:
    """Return standing groups, and the ids of those that were torn down."""
    places, routes = _read_placements(sides, ids), _read_routes(ids)
    found: dict[UUID, RoutedGroup] = {}
    torn_down: list[UUID] = []
    rows = PipelineGroup.objects.annotate(key=Cast("id", TextField()))
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    columns = "id", "key", "name", "status", "default_route"
    for group_id, key, name, status, default_route in rows.values_list(*columns):
        if status == GroupStatus.TORN_DOWN.value:
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


def _read_placements(
    sides: Mapping[str, _Side], ids: frozenset[UUID] | None
) -> dict[str, dict[str, RoutedPlacement]]:
    """Return placements by the id of their group as the database writes it.

    Rows of the model and ids as UUIDs would cost several times as much.
    """
    found: dict[str, dict[str, RoutedPlacement]] = defaultdict(dict)
    rows = _of_groups(Placement.objects.all(), ids)
    columns = "key", "pipeline_name", "worker_id", "pipeline_id"
    for key, name, worker_id, *rest in rows.values_list(
        *columns, "generation", "status"
    ):
        pipeline_id, generation, status = rest
        side = sides.get(worker_id, NO_WORKER)
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


def _read_routes(ids: frozenset[UUID] | None) -> dict[str, list[RouteRule]]:
    found: dict[str, list[RouteRule]] = defaultdict(list)
    rows = _of_groups(Route.objects.all(), ids)
    typed = rows.annotate(types=Cast("event_types", TextField()))
    columns = "key", "from_pipeline", "to_pipeline", "types"
    for key, source, target, types in typed.values_list(*columns):
        found[key].append(RouteRule(source, target, read_types(types)))
    return found


def _of_groups(rows: "QuerySet[Any]", ids: frozenset[UUID] | None) -> "QuerySet[Any]":
    chosen: QuerySet[Any] = (
        rows.exclude(group__status=GroupStatus.TORN_DOWN.value)
        if ids is None
        else rows.filter(group_id__in=ids)
    )
    keyed: QuerySet[Any] = chosen.annotate(key=Cast("group_id", TextField()))
    return keyed
