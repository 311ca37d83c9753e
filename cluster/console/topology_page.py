"""What the topology page says before any script has run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster import conf
from cluster.access import is_open_to_all
from cluster.event_routing import EXTERNAL
from cluster.realtime.messages import FullLinkNode, PlacementNode, WorkerNode
from cluster.realtime.reader import load_view
from cluster.realtime.view import TopologyView
from cluster.selectors import list_events
from cluster.state import PlacementStatus, WorkerStatus

SHOWN_EVENTS = 8


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A line of the table of workers."""

    node: WorkerNode
    age_s: float
    pipelines: list[str]

    @property
    def note(self) -> str:
        """Return what is wrong beyond the status, in words."""
        if not self.node["reachable"]:
            return "does not answer calls"
        if self.node["cordoned"]:
            return "takes nothing new"
        return self.node["status_reason"] or ""


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """A line of a group's table: a pipeline, what leads to it, where it runs."""

    node: PlacementNode
    routes: list[str]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person, with the status that says how it is shown."""

    status: str
    text: str


@dataclass(frozen=True, slots=True)
class GroupRows:
    """A group and its lines."""

    id: str
    name: str
    status: str
    placements: list[PlacementRow]


def topology_context(*, now: datetime, site: str, signed_in: bool) -> dict[str, Any]:
    """Return everything the template needs; `site` is the address of this page."""
    view = load_view()
    values = conf.current()
    workers = _worker_rows(view, now)
    return {
        "workers": workers,
        "problems": _problems(view, workers),
        "groups": _group_rows(view),
        "summary": view.summary(0.0),
        "events": list_events(limit=SHOWN_EVENTS),
        "at": now,
        "site": site,
        "api": f"{site}/api/v1/cluster",
        "signed_in": signed_in,
        "has_key": not is_open_to_all(),
        "heartbeat_timeout": values.heartbeat_timeout,
        "sweep_interval": values.sweep_interval,
    }


def _worker_rows(view: TopologyView, now: datetime) -> list[WorkerRow]:
    held: dict[str, list[str]] = {key: [] for key in view.worker}
    for node in view.placement.values():
        if node["worker_id"] in held:
            held[node["worker_id"]].append(node["pipeline_name"])
    return [
        WorkerRow(node, view.age_s(key, now), held[key])
        for key, node in view.worker.items()
    ]


def _problems(view: TopologyView, workers: Iterable[WorkerRow]) -> list[Problem]:
    found = []
    for row in workers:
        silent = row.node["status"] == WorkerStatus.UNHEALTHY.value
        if silent or not row.node["reachable"]:
            text = f"{row.node['id']} at {row.node['address']}"
            found.append(
                Problem("unhealthy", ": ".join(filter(None, [text, row.note])))
            )
    for place in view.placement.values():
        if place["status"] == PlacementStatus.FAILED.value:
            group = view.group[place["group_id"]]["group_name"]
            text = f"{place['pipeline_name']} of {group}"
            reason = place["error"] or ""
            found.append(Problem("failed", ": ".join(filter(None, [text, reason]))))
    return found


def _group_rows(view: TopologyView) -> list[GroupRows]:
    links: dict[tuple[str, str], list[FullLinkNode]] = defaultdict(list)
    for link in view.link.values():
        links[link["group_id"], link["to"]].append(link)
    rows: dict[str, list[PlacementRow]] = defaultdict(list)
    for place in view.placement.values():
        name = place["pipeline_name"].partition("#")[0]
        ways = _routes_to(links[place["group_id"], name])
        rows[place["group_id"]].append(PlacementRow(place, ways))
    return [
        GroupRows(key, node["group_name"], node["status"], rows[key])
        for key, node in view.group.items()
    ]


def _routes_to(links: Iterable[FullLinkNode]) -> list[str]:
    """Return what leads to a pipeline, as text: `EventA*` or `Late from intake`."""
    found = []
    for link in links:
        types = ", ".join(link["event_types"]) or "everything, by default"
        inside = link["from"] != EXTERNAL
        found.append(f"{types} from {link['from']}" if inside else types)
    return found
