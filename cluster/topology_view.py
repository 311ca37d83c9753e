"""The topology as the API shows it (api.md 5.9).

Ten thousand placements are read as plain columns into structs that only wait to be
encoded: model instances, UUIDs, decoded JSON and serializers cost several times as much
each. What a change did not touch is neither read nor encoded again.
"""

import threading
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from cluster.models import PipelineGroup, Placement, Route, Worker
from cluster.natural_order import natural_key
from cluster.notices import Notices, Touched
from cluster.selectors import NOT_ASSIGNED
from cluster.services import notify
from cluster.services.topology import ClusterVersion, load_version

encode = msgspec.json.Encoder().encode


class PipelineItem(msgspec.Struct, gc=False):
    """A pipeline and where it is."""

    name: str
    worker_id: str | None
    worker_address: str | None


class RouteItem(msgspec.Struct, gc=False):
    """A route as in the spec; its event types stay JSON as they are stored."""

    from_pipeline: str
    to_pipeline: str
    event_types: msgspec.Raw


class GroupItem(msgspec.Struct, gc=False):
    """A standing group."""

    group_id: str
    group_name: str
    pipelines: list[PipelineItem]
    routes: list[RouteItem]


class WorkerItem(msgspec.Struct, gc=False):
    """A registered worker, and the names of the groups it runs something of."""

    id: str
    address: str
    status: str
    pipeline_groups: list[str]


class LinkItem(msgspec.Struct, gc=False, rename={"from_pipeline": "from"}):
    """A route with the workers at its ends."""

    id: str
    group_id: str
    from_pipeline: str
    to: str
    source_worker: str | None
    target_worker: str | None
    transport: str = "http"


class TopologyDocument(NamedTuple):
    """A topology as JSON. Equal tags mean equal documents."""

    tag: str
    json: bytes


class TopologyCache:
    """Keeps the whole topology; reads again what changes touched. Threads share it."""

    def __init__(self) -> None:
        """Start empty."""
        self._reading = threading.Lock()
        self._noting = threading.Lock()
        self._notices = Notices()
        self._parts = TopologyParts()
        self._kept: tuple[ClusterVersion, TopologyDocument] | None = None

    def follow(self) -> Callable[[], None]:
        """Listen to the changes of this process; the answer ends that."""
        return notify.subscribe(self.hear)

    def hear(self, change: notify.Change) -> None:
        """Take note of a committed change; never waits for a reading."""
        if isinstance(change, notify.TopologyChanged):
            with self._noting:
                self._notices.take(change)

    def get(self, group: str = "") -> TopologyDocument:
        """Return the topology as of now; `group` narrows to a name or an id."""
        version = load_version()
        if group:
            parts = TopologyParts()
            parts.read(group=group)
            return _document(version, parts)
        with self._reading:
            kept = self._kept
            if kept is None or kept[0] != version:
                self._read(version)
                kept = version, _document(version, self._parts)
                self._kept = kept
            return kept[1]

    def _read(self, version: ClusterVersion) -> None:
        """Bring the parts to a version, which was read before them.

        What changes meanwhile is shown too early rather than too late: the next
        version brings it again.
        """
        same = self._kept is not None and self._kept[0].cluster_id == version.cluster_id
        with self._noting:
            touched = self._notices.touched(version.version)
            self._notices.forget()  # until this reading has worked
        if same and touched is not None:
            self._parts.read_again(touched)
        else:
            self._parts.read()
        with self._noting:
            self._notices.settle(version.version)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """What is shown of a worker. Placements may be on one that is gone."""

    address: str
    status: str
    is_registered: bool


@dataclass(frozen=True, slots=True)
class GroupPart:
    """A group and its links, encoded too.

    `homes` are all workers it names; those in `assigned` have room taken by it.
    """

    group: GroupItem
    links: list[LinkItem]
    homes: frozenset[str]
    assigned: tuple[str, ...]
    group_json: bytes
    links_json: bytes


class TopologyParts:
    """The topology in pieces, as last read. Used by one thread at a time."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._workers: dict[str, WorkerRow] = {}
        self._groups: dict[str, GroupPart] = {}  # newest first

    def read(self, group: str = "") -> None:
        """Read everything, or one group by name or id."""
        rows = _read_workers()
        order = sorted(rows, key=natural_key)
        self._workers = {key: rows[key] for key in order}
        self._groups = self._read_groups(_ids_of(group) if group else None)

    def read_again(self, touched: Touched) -> None:
        """Read what was touched since the last reading."""
        moved = self._read_workers_again(touched.worker_ids)
        ids = touched.group_ids
        fresh = self._read_groups(ids) if ids else {}
        for key in ids - fresh.keys():
            self._groups.pop(key, None)
        new = {key: part for key, part in fresh.items() if key not in self._groups}
        self._groups = {**new, **self._groups, **fresh}
        for key, part in self._groups.items():
            if not part.homes.isdisjoint(moved):
                self._groups[key] = self._readdressed(part)

    def encode(self, version: int) -> bytes:
        """Return everything as JSON, in the order of api.md 5.9."""
        parts = self._groups.values()
        groups = b",".join(part.group_json for part in parts)
        links = b",".join(part.links_json for part in parts if part.links)
        return b'{"groups":[%b],"version":%d,"workers":%b,"links":[%b]}' % (
            groups,
            version,
            encode(self._worker_items()),
            links,
        )

    def _worker_items(self) -> list[WorkerItem]:
        names: dict[str, dict[str, None]] = defaultdict(dict)  # two may bear one name
        for part in self._groups.values():
            for worker_id in part.assigned:
                names[worker_id][part.group.group_name] = None
        return [
            WorkerItem(key, row.address, row.status, list(names[key]))
            for key, row in self._workers.items()
            if row.is_registered
        ]

    def _read_workers_again(self, ids: frozenset[str]) -> set[str]:
        """Read some workers; return those whose address is another one now."""
        if not ids:
            return set()
        before, fresh = self._workers, _read_workers(ids)
        moved = {key for key in ids if _address(before, key) != _address(fresh, key)}
        order = [key for key in before if key in fresh or key not in ids]
        for key in fresh.keys() - before.keys():
            insort(order, key, key=natural_key)
        known = {**before, **fresh}
        self._workers = {key: known[key] for key in order}
        return moved

    def _readdressed(self, part: GroupPart) -> GroupPart:
        """Return the part with the addresses that its workers have now."""
        for item in part.group.pipelines:
            item.worker_address = _address(self._workers, item.worker_id)
        return _part(part.group, part.links, part.homes, part.assigned)

    def _read_groups(self, ids: frozenset[str] | None) -> dict[str, GroupPart]:
        rows = PipelineGroup.objects.standing().annotate(key=Cast("id", TextField()))
        if ids is not None:
            rows = rows.filter(pk__in=ids)
        found = list(rows.values_list("id", "key", "name"))
        places, routes = _read_placements(ids), _read_routes(ids)
        parts: dict[str, GroupPart] = {}
        for pk, key, name in found:
            group = GroupItem(str(pk), name, [], [])
            parts[group.group_id] = self._made(group, places[key], routes[key])
        return parts

    def _made(
        self, group: GroupItem, places: "list[Place]", routes: "list[Way]"
    ) -> GroupPart:
        group.pipelines = [
            PipelineItem(name, worker_id, _address(self._workers, worker_id))
            for name, worker_id, _ in places
        ]
        group.routes = [
            RouteItem(source, target, msgspec.Raw(types.encode()))
            for _, source, target, types in routes
        ]
        at = {name: worker_id for name, worker_id, _ in places}
        links = [
            LinkItem(
                f"r-{key}",
                group.group_id,
                source,
                target,
                at.get(source),
                at.get(target),
            )
            for key, source, target, _ in routes
        ]
        homes = frozenset(worker_id for _, worker_id, _ in places if worker_id)
        assigned = dict.fromkeys(
            worker_id
            for _, worker_id, status in places
            if worker_id and status not in NOT_ASSIGNED
        )
        return _part(group, links, homes, tuple(assigned))


Place = tuple[str, str | None, str]
"""Pipeline, worker and status of a placement."""
Way = tuple[int, str, str, str]
"""Id, source, target and event types (JSON text) of a route."""


def _part(
    group: GroupItem,
    links: list[LinkItem],
    homes: frozenset[str],
    assigned: tuple[str, ...],
) -> GroupPart:
    return GroupPart(group, links, homes, assigned, encode(group), encode(links)[1:-1])


def _document(version: ClusterVersion, parts: TopologyParts) -> TopologyDocument:
    tag = f"{version.cluster_id}-{version.version}"
    return TopologyDocument(tag, parts.encode(version.version))


def _address(workers: dict[str, WorkerRow], worker_id: str | None) -> str | None:
    row = workers.get(worker_id or "")
    return row.address if row else None


def _ids_of(group: str) -> frozenset[str]:
    rows = PipelineGroup.objects.standing().values_list("id", "name")
    return frozenset(str(pk) for pk, name in rows if group in {name, str(pk)})


def _read_workers(ids: Iterable[str] | None = None) -> dict[str, WorkerRow]:
    rows = Worker.objects.order_by()
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    columns = rows.values_list("id", "address", "status", "deregistered_at")
    return {
        key: WorkerRow(address, status, gone is None)
        for key, address, status, gone in columns
    }


def _read_placements(ids: frozenset[str] | None) -> dict[str, list[Place]]:
    """Return placements by the id of their group as the database writes it."""
    rows = _of_groups(Placement.objects.all(), ids)
    found: dict[str, list[Place]] = defaultdict(list)
    for key, *place in rows.values_list("key", "pipeline_name", "worker_id", "status"):
        found[key].append(tuple(place))
    return found


def _read_routes(ids: frozenset[str] | None) -> dict[str, list[Way]]:
    rows = _of_groups(Route.objects.all(), ids)
    typed = rows.annotate(types=Cast("event_types", TextField()))
    columns = typed.values_list("key", "id", "from_pipeline", "to_pipeline", "types")
    found: dict[str, list[Way]] = defaultdict(list)
    for key, *way in columns:
        found[key].append(tuple(way))
    return found


def _of_groups(rows: "QuerySet[Any]", ids: frozenset[str] | None) -> "QuerySet[Any]":
    chosen: QuerySet[Any] = (
        rows.filter(group__in=PipelineGroup.objects.standing())
        if ids is None
        else rows.filter(group_id__in=ids)
    )
    keyed: QuerySet[Any] = chosen.annotate(key=Cast("group_id", TextField()))
    return keyed
