"""Reads what the topology page shows: all of it, or only what a change touched.

Ten thousand placements take a good part of a second to read. A change touches a group
or a worker, and its notice says which; so only these are read again, and every entry
that stays is the very same object as before, which makes comparing cheap.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from cluster.event_routing import EXTERNAL
from cluster.models import PipelineGroup, Placement, Route, Worker
from cluster.natural_order import natural_key
from cluster.notices import Touched
from cluster.realtime.messages import (
    FullLinkNode,
    GroupNode,
    PlacementNode,
    RouteItem,
    WorkerNode,
)
from cluster.realtime.view import TopologyView
from cluster.routing_reader import read_types

read_error = msgspec.json.Decoder(dict[str, Any] | None).decode


class WorkerRow(NamedTuple):
    """The columns of a worker that are shown; named as in the model."""

    id: str
    address: str
    status: str
    status_reason: str | None
    reachable: bool
    cordoned: bool
    pipelines_running: int
    max_pipelines: int
    cpu_cores: float
    version: str
    labels: dict[str, str]
    last_heartbeat_at: datetime
    deregistered_at: datetime | None


class PlacementRow(NamedTuple):
    """The columns of a placement that are shown; `error` is JSON text."""

    pipeline_name: str
    replica: int
    pipeline_id: str
    worker_id: str | None
    status: str
    generation: int
    reason: str
    error: str | None


class RouteRow(NamedTuple):
    """The columns of a route; `types` is JSON text."""

    id: int
    from_pipeline: str
    to_pipeline: str
    types: str


@dataclass(frozen=True, slots=True)
class GroupPart:
    """Everything shown of one group. `holders` are the workers it is placed on."""

    node: GroupNode
    placements: dict[str, PlacementNode]
    links: dict[str, FullLinkNode]
    holders: frozenset[str]


class TopologyReader:
    """Remembers what it read last. Used by one thread at a time."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._workers: dict[str, WorkerRow] = {}  # deregistered ones too: addresses
        self._nodes: dict[str, WorkerNode] = {}
        self._groups: dict[str, GroupPart] = {}  # newest first

    def read(self, touched: Touched | None = None) -> TopologyView:
        """Return the topology of now; `touched` None reads everything again."""
        if touched is None:
            self._workers = _sorted(_read_workers())
            self._groups = self._read_groups()
        else:
            self._read_again(touched)
        return self._view()

    def _read_again(self, touched: Touched) -> None:
        ids = touched.group_ids
        before = self._held_by(ids)
        moved = self._read_workers_again(touched.worker_ids | before)
        fresh = self._read_groups(ids)
        for key in ids - fresh.keys():
            self._groups.pop(key, None)
        new = {key: part for key, part in fresh.items() if key not in self._groups}
        self._groups = {**new, **self._groups, **fresh}
        # Their counts of pipelines changed with the groups.
        late = self._held_by(ids) - before - touched.worker_ids
        moved |= self._read_workers_again(late)
        self._readdress(moved)

    def _held_by(self, group_ids: Iterable[str]) -> frozenset[str]:
        parts = (self._groups.get(key) for key in group_ids)
        return frozenset().union(*(part.holders for part in parts if part))

    def _read_workers_again(self, ids: frozenset[str]) -> set[str]:
        """Read some workers; return those whose address is another one now."""
        if not ids:
            return set()
        fresh = _read_workers(ids)
        moved = {key for key in ids if self._address(key) != _address(fresh.get(key))}
        for key in ids - fresh.keys():
            self._workers.pop(key, None)
        order = list(self._workers)
        for key in fresh.keys() - self._workers.keys():
            insort(order, key, key=natural_key)
        known = {**self._workers, **fresh}
        self._workers = {key: known[key] for key in order}
        return moved

    def _readdress(self, moved: set[str]) -> None:
        """Show the new addresses of workers in the groups placed on them."""
        if not moved:
            return
        for key, part in self._groups.items():
            if part.holders.isdisjoint(moved):
                continue
            node = part.node.copy()
            node["pipelines"] = [
                {**item, "worker_address": self._address(item["worker_id"])}
                for item in node["pipelines"]
            ]
            self._groups[key] = GroupPart(
                node, part.placements, part.links, part.holders
            )

    def _address(self, worker_id: str | None) -> str | None:
        return _address(self._workers.get(worker_id or ""))

    def _read_groups(self, ids: frozenset[str] | None = None) -> dict[str, GroupPart]:
        rows = PipelineGroup.objects.standing()
        if ids is not None:
            rows = rows.filter(pk__in=ids)
        keyed = rows.annotate(key=Cast("id", TextField()))
        found = list(keyed.values_list("id", "key", "name", "status"))
        places = _read_placements(ids)
        routes = _read_routes(ids)
        return {
            str(pk): self._part((str(pk), name, status), places[key], routes[key])
            for pk, key, name, status in found
        }

    def _part(
        self,
        group: tuple[str, str, str],
        places: list[PlacementRow],
        routes: list[RouteRow],
    ) -> GroupPart:
        group_id, name, status = group
        types = [read_types(route.types) for route in routes]
        node: GroupNode = {
            "group_id": group_id,
            "group_name": name,
            "status": status,
            "pipelines": [
                {
                    "name": _shown_name(place),
                    "worker_id": place.worker_id,
                    "worker_address": self._address(place.worker_id),
                }
                for place in places
            ],
            "routes": [
                _route_item(route, found)
                for route, found in zip(routes, types, strict=True)
            ],
        }
        nodes = (_placement_node(group_id, place) for place in places)
        return GroupPart(
            node,
            {found["id"]: found for found in nodes},
            _links(group_id, places, list(zip(routes, types, strict=True))),
            frozenset(place.worker_id for place in places if place.worker_id),
        )

    def _view(self) -> TopologyView:
        shown = {k: row for k, row in self._workers.items() if not row.deregistered_at}
        self._nodes = self._worker_nodes(shown)
        placements: dict[str, PlacementNode] = {}
        links: dict[str, FullLinkNode] = {}
        for part in self._groups.values():
            placements |= part.placements
            links |= part.links
        return TopologyView(
            worker=self._nodes,
            group={key: part.node for key, part in self._groups.items()},
            placement=placements,
            link=links,
            last_heartbeats={k: row.last_heartbeat_at for k, row in shown.items()},
        )

    def _worker_nodes(self, rows: dict[str, WorkerRow]) -> dict[str, WorkerNode]:
        """Return the nodes of workers; those that stay the same are the same."""
        held: dict[str, list[str]] = defaultdict(list)
        for part in self._groups.values():
            for worker_id in part.holders:
                held[worker_id].append(part.node["group_name"])
        nodes: dict[str, WorkerNode] = {}
        for key, row in rows.items():
            node = _worker_node(row, sorted(held[key]))
            known = self._nodes.get(key)
            nodes[key] = known if known == node else node
        return nodes


def load_view() -> TopologyView:
    """Read the whole topology: workers, standing groups, placements and routes."""
    return TopologyReader().read()


def _read_workers(ids: frozenset[str] | None = None) -> dict[str, WorkerRow]:
    rows = Worker.objects.order_by()
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    columns = rows.values_list(*WorkerRow._fields)
    return {found[0]: WorkerRow(*found) for found in columns}


def _sorted(rows: dict[str, WorkerRow]) -> dict[str, WorkerRow]:
    return dict(sorted(rows.items(), key=lambda item: natural_key(item[0])))


def _read_placements(
    ids: frozenset[str] | None,
) -> dict[str, list[PlacementRow]]:
    rows = _of_groups(Placement.objects.all(), ids)
    keyed = rows.annotate(
        key=Cast("group_id", TextField()), why=Cast("error", TextField())
    )
    found: dict[str, list[PlacementRow]] = defaultdict(list)
    for key, *columns in keyed.values_list("key", *PlacementRow._fields[:-1], "why"):
        found[key].append(PlacementRow(*columns))
    return found


def _read_routes(ids: frozenset[str] | None) -> dict[str, list[RouteRow]]:
    rows = _of_groups(Route.objects.all(), ids)
    keyed = rows.annotate(
        key=Cast("group_id", TextField()), types=Cast("event_types", TextField())
    )
    found: dict[str, list[RouteRow]] = defaultdict(list)
    for key, *columns in keyed.values_list("key", *RouteRow._fields):
        found[key].append(RouteRow(*columns))
    return found


def _of_groups(rows: "QuerySet[Any]", ids: frozenset[str] | None) -> "QuerySet[Any]":
    if ids is not None:
        return rows.filter(group_id__in=ids)
    return rows.filter(group__in=PipelineGroup.objects.standing())


def _address(row: WorkerRow | None) -> str | None:
    return row.address if row else None


def _worker_node(row: WorkerRow, groups: list[str]) -> WorkerNode:
    return {
        "id": row.id,
        "address": row.address,
        "status": row.status,
        "status_reason": row.status_reason,
        "reachable": row.reachable,
        "cordoned": row.cordoned,
        "pipelines_running": row.pipelines_running,
        "max_pipelines": row.max_pipelines,
        "cpu_cores": row.cpu_cores,
        "version": row.version,
        "labels": row.labels,
        "pipeline_groups": groups,
    }


def _placement_node(group_id: str, place: PlacementRow) -> PlacementNode:
    name = _shown_name(place)
    error = (read_error(place.error) if place.error else None) or {}
    return {
        "id": f"{group_id}/{name}",
        "group_id": group_id,
        "pipeline_name": name,
        "pipeline_id": place.pipeline_id,
        "worker_id": place.worker_id,
        "status": place.status,
        "generation": place.generation,
        "reason": place.reason,
        "error": error.get("error"),
    }


def _shown_name(place: PlacementRow) -> str:
    name = place.pipeline_name
    return f"{name}#{place.replica}" if place.replica else name


def _route_item(route: RouteRow, types: tuple[str, ...]) -> RouteItem:
    return {
        "from_pipeline": route.from_pipeline,
        "to_pipeline": route.to_pipeline,
        "event_types": list(types),
    }


def _links(
    group_id: str,
    places: list[PlacementRow],
    routes: list[tuple[RouteRow, tuple[str, ...]]],
) -> dict[str, FullLinkNode]:
    homes = {place.pipeline_name: place.worker_id for place in places}
    links: dict[str, FullLinkNode] = {
        f"r-{route.id}": {
            "id": f"r-{route.id}",
            "group_id": group_id,
            "from": route.from_pipeline,
            "to": route.to_pipeline,
            "source_worker": homes.get(route.from_pipeline),
            "target_worker": homes.get(route.to_pipeline),
            "transport": "http",
            "event_types": list(types),
            "default": False,
        }
        for route, types in routes
    }
    if homes and not any(route.from_pipeline == EXTERNAL for route, _ in routes):
        default = _default_link(group_id, next(iter(homes.items())))
        links[default["id"]] = default
    return links


def _default_link(group_id: str, first: tuple[str, str | None]) -> FullLinkNode:
    """Return the way events from outside take in a group without routes for them."""
    return {
        "id": f"default-{group_id}",
        "group_id": group_id,
        "from": EXTERNAL,
        "to": first[0],
        "source_worker": None,
        "target_worker": first[1],
        "transport": "http",
        "event_types": [],
        "default": True,
    }
