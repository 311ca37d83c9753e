"""The topology as API, page and socket show it (api.md 5.9)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cluster.models import PipelineGroup, Placement, Route, Worker
from cluster.natural_order import natural_key
from cluster.selectors import NOT_ASSIGNED
from cluster.services.topology import load_cluster_state


class _Worker(NamedTuple):
    address: str
    status: str
    deregistered_at: datetime | None


class _Home(NamedTuple):
    worker_id: str | None
    is_assigned: bool


Json = dict[str, Any]
NOWHERE = _Home(None, is_assigned=False)
Homes = dict[str, _Home]
"""Where each pipeline of a group runs, in the order of the spec."""
Workers = dict[str, _Worker]


def load_topology(*, group: str = "") -> Json:
    """Return groups, workers and links; `group` narrows to a name or an id.

    Read as plain columns: model instances and serializers cost several times as much
    for ten thousand placements. The number of queries is always the same.
    """
    version = load_cluster_state().version
    standing = PipelineGroup.objects.standing().values_list("id", "name")
    names = {key: name for key, name in standing if group in {"", name, str(key)}}
    workers = _load_workers()
    homes = _load_homes(names)
    routes = _load_routes(names)
    return {
        "groups": [
            _group_json(key, name, homes[key], (workers, routes[key]))
            for key, name in names.items()
        ],
        "version": version,
        "workers": _workers_json(workers, names, homes),
        "links": [
            link for key in names for link in _links_json(key, homes[key], routes[key])
        ],
    }


def _load_workers() -> Workers:
    rows = Worker.objects.values_list("id", "address", "status", "deregistered_at")
    found = [(key, _Worker(at, status, gone)) for key, at, status, gone in rows]
    return dict(sorted(found, key=lambda item: natural_key(item[0])))


def _load_homes(groups: Iterable[UUID]) -> dict[UUID, Homes]:
    homes: dict[UUID, Homes] = {key: {} for key in groups}
    rows = Placement.objects.filter(group__in=PipelineGroup.objects.standing())
    columns = rows.values_list("group_id", "pipeline_name", "worker_id", "status")
    for key, name, worker_id, status in columns:
        if key in homes:
            homes[key][name] = _Home(worker_id, status not in NOT_ASSIGNED)
    return homes


def _load_routes(groups: Iterable[UUID]) -> dict[UUID, list[Route]]:
    routes: dict[UUID, list[Route]] = {key: [] for key in groups}
    for route in Route.objects.filter(group__in=PipelineGroup.objects.standing()):
        if route.group_id in routes:
            routes[route.group_id].append(route)
    return routes


def _group_json(
    key: UUID, name: str, homes: Homes, parts: tuple[Workers, list[Route]]
) -> Json:
    workers, routes = parts
    return {
        "group_id": str(key),
        "group_name": name,
        "pipelines": [
            _pipeline_json(pipeline, home, workers) for pipeline, home in homes.items()
        ],
        "routes": [_route_json(route) for route in routes],
    }


def _pipeline_json(name: str, home: _Home, workers: Workers) -> Json:
    worker = workers.get(home.worker_id or "")
    return {
        "name": name,
        "worker_id": home.worker_id,
        "worker_address": worker.address if worker else None,
    }


def _route_json(route: Route) -> Json:
    return {
        "from_pipeline": route.from_pipeline,
        "to_pipeline": route.to_pipeline,
        "event_types": route.event_types,
    }


def _workers_json(
    workers: Workers, names: dict[UUID, str], homes: dict[UUID, Homes]
) -> list[Json]:
    groups: dict[str, dict[str, None]] = {key: {} for key in workers}
    for group, placed in homes.items():
        for home in placed.values():
            if home.is_assigned and home.worker_id in groups:
                groups[home.worker_id][names[group]] = None
    return [
        {
            "id": key,
            "address": worker.address,
            "status": worker.status,
            "pipeline_groups": list(groups[key]),
        }
        for key, worker in workers.items()
        if worker.deregistered_at is None
    ]


def _links_json(group: UUID, homes: Homes, routes: list[Route]) -> list[Json]:
    return [
        {
            "id": f"r-{route.pk}",
            "group_id": str(group),
            "from": route.from_pipeline,
            "to": route.to_pipeline,
            "source_worker": homes.get(route.from_pipeline, NOWHERE).worker_id,
            "target_worker": homes.get(route.to_pipeline, NOWHERE).worker_id,
            "transport": "http",
        }
        for route in routes
    ]
