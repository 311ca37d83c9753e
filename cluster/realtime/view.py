"""What the topology page shows, read in a constant number of queries, and compared."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from cluster.event_routing import EXTERNAL
from cluster.models import PipelineGroup, Placement, Worker
from cluster.natural_order import natural_key
from cluster.realtime.messages import (
    Change,
    FullLinkNode,
    GroupNode,
    Kind,
    PlacementNode,
    Summary,
    Topology,
    WorkerNode,
)
from cluster.selectors import list_groups
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus

KINDS: tuple[Kind, ...] = ("worker", "group", "placement", "link")
TAKES_WORK = frozenset({WorkerStatus.READY.value, WorkerStatus.BUSY.value})


@dataclass(frozen=True, slots=True)
class TopologyView:
    """Entries by kind and id, in the order they are shown.

    `last_heartbeats` stands apart: it changes all the time and makes no difference to
    what is drawn.
    """

    worker: Mapping[str, WorkerNode] = field(default_factory=dict)
    group: Mapping[str, GroupNode] = field(default_factory=dict)
    placement: Mapping[str, PlacementNode] = field(default_factory=dict)
    link: Mapping[str, FullLinkNode] = field(default_factory=dict)
    last_heartbeats: Mapping[str, datetime] = field(default_factory=dict)

    def entries(self, kind: Kind) -> Mapping[str, Mapping[str, Any]]:
        """Return the entries of one kind."""
        return cast("Mapping[str, Mapping[str, Any]]", getattr(self, kind))

    def topology(self, now: datetime) -> Topology:
        """Return everything, with the ages of the heartbeats as of `now`."""
        workers = [
            cast("WorkerNode", {**node, "heartbeat_age_seconds": self.age_s(key, now)})
            for key, node in self.worker.items()
        ]
        return {
            "groups": list(self.group.values()),
            "workers": workers,
            "placements": list(self.placement.values()),
            "links": list(self.link.values()),
        }

    def age_s(self, worker_id: str, now: datetime) -> float:
        """Return the seconds since the last heartbeat of a worker."""
        age = (now - self.last_heartbeats[worker_id]).total_seconds()
        return round(max(0.0, age), 1)

    def summary(self, events_per_second: float) -> Summary:
        """Return the figures at the head of the page."""
        groups = self.group.values()
        places = self.placement.values()
        return {
            "workers_ready": sum(
                node["status"] in TAKES_WORK for node in self.worker.values()
            ),
            "workers_total": len(self.worker),
            "groups_running": sum(
                node["status"] == GroupStatus.RUNNING.value for node in groups
            ),
            "groups_total": len(self.group),
            "pipelines_running": sum(
                node["status"] == PlacementStatus.RUNNING.value for node in places
            ),
            "pipelines_total": len(self.placement),
            "events_per_second": round(events_per_second, 1),
        }


def load_view() -> TopologyView:
    """Read the whole topology: workers, standing groups, placements and routes."""
    groups = list_groups()
    workers = sorted(Worker.objects.registered(), key=lambda row: natural_key(row.id))
    held = _groups_by_worker(groups)
    return TopologyView(
        worker={row.id: _worker_node(row, held[row.id]) for row in workers},
        group={str(group.pk): _group_node(group) for group in groups},
        placement={
            node["id"]: node
            for group in groups
            for node in map(_placement_node, group.placements.all())
        },
        link={node["id"]: node for group in groups for node in _link_nodes(group)},
        last_heartbeats={row.id: row.last_heartbeat_at for row in workers},
    )


def find_changes(old: TopologyView, new: TopologyView) -> list[Change]:
    """Return what leads from `old` to `new`; entries that stay are left out."""
    changes: list[Change] = []
    for kind in KINDS:
        before, after = old.entries(kind), new.entries(kind)
        changes += [
            {"op": "remove", "kind": kind, "id": key}
            for key in before
            if key not in after
        ]
        for key, value in after.items():
            changed = _changed_members(before.get(key, {}), value)
            if changed:
                changes.append({"op": "set", "kind": kind, "id": key, "value": changed})
    return changes


def _changed_members(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    missing = object()
    return {
        name: value
        for name, value in after.items()
        if before.get(name, missing) != value
    }


def _groups_by_worker(groups: Iterable[PipelineGroup]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        holders = {place.worker_id for place in group.placements.all()}
        for worker_id in holders:
            if worker_id is not None:
                found[worker_id].append(group.name)
    return found


def _worker_node(worker: Worker, groups: list[str]) -> WorkerNode:
    return {
        "id": worker.id,
        "address": worker.address,
        "status": worker.status,
        "status_reason": worker.status_reason,
        "reachable": worker.reachable,
        "cordoned": worker.cordoned,
        "pipelines_running": worker.pipelines_running,
        "max_pipelines": worker.max_pipelines,
        "cpu_cores": worker.cpu_cores,
        "version": worker.version,
        "labels": worker.labels,
        "pipeline_groups": sorted(groups),
    }


def _group_node(group: PipelineGroup) -> GroupNode:
    return {
        "group_id": str(group.pk),
        "group_name": group.name,
        "status": group.status,
        "pipelines": [
            {
                "name": _shown_name(place),
                "worker_id": place.worker_id,
                "worker_address": place.worker.address if place.worker else None,
            }
            for place in group.placements.all()
        ],
        "routes": [
            {
                "from_pipeline": route.from_pipeline,
                "to_pipeline": route.to_pipeline,
                "event_types": list(route.event_types),
            }
            for route in group.routes.all()
        ],
    }


def _placement_node(place: Placement) -> PlacementNode:
    error = place.error if isinstance(place.error, dict) else {}
    return {
        "id": f"{place.group_id}/{_shown_name(place)}",
        "group_id": str(place.group_id),
        "pipeline_name": _shown_name(place),
        "pipeline_id": place.pipeline_id,
        "worker_id": place.worker_id,
        "status": place.status,
        "generation": place.generation,
        "reason": place.reason,
        "error": error.get("error"),
    }


def _shown_name(place: Placement) -> str:
    name = place.pipeline_name
    return f"{name}#{place.replica}" if place.replica else name


def _link_nodes(group: PipelineGroup) -> list[FullLinkNode]:
    homes = {place.pipeline_name: place.worker_id for place in group.placements.all()}
    links: list[FullLinkNode] = [
        {
            "id": f"r-{route.pk}",
            "group_id": str(group.pk),
            "from": route.from_pipeline,
            "to": route.to_pipeline,
            "source_worker": homes.get(route.from_pipeline),
            "target_worker": homes.get(route.to_pipeline),
            "transport": "http",
            "event_types": list(route.event_types),
            "default": False,
        }
        for route in group.routes.all()
    ]
    if homes and not any(link["from"] == EXTERNAL for link in links):
        links.append(_default_link(group, next(iter(homes)), homes))
    return links


def _default_link(
    group: PipelineGroup, first: str, homes: Mapping[str, str | None]
) -> FullLinkNode:
    """Return the way events from outside take in a group without routes for them."""
    return {
        "id": f"default-{group.pk}",
        "group_id": str(group.pk),
        "from": EXTERNAL,
        "to": first,
        "source_worker": None,
        "target_worker": homes[first],
        "transport": "http",
        "event_types": [],
        "default": True,
    }
