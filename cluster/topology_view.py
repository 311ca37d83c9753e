"""The topology as the API shows it (api.md 5.9).

Ten thousand placements are read as plain columns into structs that only wait to be
encoded: model instances, UUIDs, decoded JSON and serializers cost several times as much
each. The number of queries is always the same.
"""

from collections import defaultdict
from typing import NamedTuple

import msgspec
from django.db.models import TextField
from django.db.models.functions import Cast

from cluster.models import PipelineGroup, Placement, Route, Worker
from cluster.natural_order import natural_key
from cluster.selectors import NOT_ASSIGNED
from cluster.services.topology import ClusterVersion, load_version

encode = msgspec.json.Encoder().encode
NOWHERE: dict[str, str | None] = {}


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


class Topology(msgspec.Struct):
    """Everything, in the order of its keys on the wire."""

    groups: list[GroupItem]
    version: int
    workers: list[WorkerItem]
    links: list[LinkItem]


class TopologyDocument(NamedTuple):
    """A topology as JSON. Equal tags mean equal documents."""

    tag: str
    json: bytes


class TopologyCache:
    """Keeps the whole topology as JSON until its version changes.

    Threads may share it: two that find it outdated both make it anew, that is all.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._kept: tuple[ClusterVersion, TopologyDocument] | None = None

    def get(self, group: str = "") -> TopologyDocument:
        """Return the topology as of now; `group` narrows to a name or an id."""
        version = load_version()
        if group:
            return _document(version, group)
        kept = self._kept
        if kept is None or kept[0] != version:
            kept = version, _document(version)
            self._kept = kept
        return kept[1]


def load_topology(version: int, *, group: str = "") -> Topology:
    """Read groups, workers and links; `version` was read before them.

    What changes meanwhile is shown too early rather than too late: the next version
    brings it again.
    """
    groups = _load_groups(group)
    workers = _load_workers()
    homes = _add_placements(groups, workers)
    links = _add_routes(groups, homes)
    return Topology(
        groups=list(groups.values()),
        version=version,
        workers=[row.item for row in workers.values() if row.is_registered],
        links=[link for key in groups for link in links[key]],
    )


class _WorkerRow(NamedTuple):
    item: WorkerItem
    is_registered: bool


Groups = dict[str, GroupItem]
"""By their id as the database writes it: with hyphens or without."""
Homes = dict[str, dict[str, str | None]]
"""The worker of each pipeline, by group and name."""


def _document(version: ClusterVersion, group: str = "") -> TopologyDocument:
    topology = load_topology(version.version, group=group)
    tag = f"{version.cluster_id}-{version.version}"
    return TopologyDocument(tag, encode(topology))


def _load_groups(wanted: str) -> Groups:
    rows = PipelineGroup.objects.standing().annotate(key=Cast("id", TextField()))
    return {
        key: GroupItem(str(group_id), name, [], [])
        for group_id, key, name in rows.values_list("id", "key", "name")
        if wanted in {"", name, str(group_id)}
    }


def _load_workers() -> dict[str, _WorkerRow]:
    """Return all workers in natural order; placements may be on one that is gone."""
    rows = Worker.objects.order_by().values_list(
        "id", "address", "status", "deregistered_at"
    )
    found = sorted(rows, key=lambda row: natural_key(row[0]))
    return {
        key: _WorkerRow(WorkerItem(key, address, status, []), gone is None)
        for key, address, status, gone in found
    }


def _add_placements(groups: Groups, workers: dict[str, _WorkerRow]) -> Homes:
    """Put the pipelines into their groups, the groups to their workers."""
    homes: Homes = defaultdict(dict)
    holders: dict[str, dict[str, None]] = defaultdict(dict)
    rows = Placement.objects.filter(group__in=PipelineGroup.objects.standing())
    keyed = rows.annotate(key=Cast("group_id", TextField()))
    columns = keyed.values_list("key", "pipeline_name", "worker_id", "status")
    for key, name, worker_id, status in columns:
        group = groups.get(key)
        if group is None:
            continue
        worker = workers.get(worker_id)
        address = worker.item.address if worker else None
        group.pipelines.append(PipelineItem(name, worker_id, address))
        homes[key][name] = worker_id
        if worker and status not in NOT_ASSIGNED:
            holders[key][worker_id] = None
    _name_groups(groups, holders, workers)
    return homes


def _name_groups(
    groups: Groups,
    holders: dict[str, dict[str, None]],
    workers: dict[str, _WorkerRow],
) -> None:
    names: dict[str, dict[str, None]] = defaultdict(dict)  # two may bear one name
    for key, group in groups.items():
        for worker_id in holders[key]:
            names[worker_id][group.group_name] = None
    for worker_id, found in names.items():
        workers[worker_id].item.pipeline_groups.extend(found)


def _add_routes(groups: Groups, homes: Homes) -> dict[str, list[LinkItem]]:
    """Put the routes into their groups; return the links they make, by group."""
    links: dict[str, list[LinkItem]] = defaultdict(list)
    rows = Route.objects.filter(group__in=PipelineGroup.objects.standing())
    keyed = rows.annotate(
        key=Cast("group_id", TextField()), types=Cast("event_types", TextField())
    )
    columns = keyed.values_list("id", "key", "from_pipeline", "to_pipeline", "types")
    for route_id, key, source, target, types in columns:
        group = groups.get(key)
        if group is None:
            continue
        at = homes.get(key, NOWHERE)
        group.routes.append(RouteItem(source, target, msgspec.Raw(types.encode())))
        ends = at.get(source), at.get(target)
        links[key].append(
            LinkItem(f"r-{route_id}", group.group_id, source, target, *ends)
        )
    return links
