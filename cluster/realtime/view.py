"""What the topology page shows, and what leads from one state of it to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

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
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus

KINDS: tuple[Kind, ...] = ("worker", "group", "placement", "link")
TAKES_WORK = frozenset({WorkerStatus.READY.value, WorkerStatus.BUSY.value})


Ages = Callable[[str], float | None]
"""Returns the seconds since a worker's last report, None if it knows of none."""


def _unheard(worker_id: str) -> float | None:
    return None


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

    def topology(self, now: datetime, heard: Ages = _unheard) -> Topology:
        """Return everything, with the ages of the heartbeats as of `now`.

        `heard` knows ages of reports that are not stored yet.
        """
        workers = []
        for key, node in self.worker.items():
            age = heard(key)
            shown = self.age_s(key, now) if age is None else age
            workers.append(cast("WorkerNode", {**node, "heartbeat_age_seconds": shown}))
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
            known = before.get(key)
            # Most entries are the very same object: what was not read again.
            changed = {} if known is value else _changed_members(known or {}, value)
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
