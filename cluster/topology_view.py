"""The topology as API, page and socket show it (api.md 5.9)."""

from typing import Any

from cluster.event_routing import EXTERNAL
from cluster.models import PipelineGroup, Route, Worker
from cluster.selectors import list_groups, list_workers, worker_groups
from cluster.services.topology import load_cluster_state

Json = dict[str, Any]


def load_topology(*, group: str = "") -> Json:
    """Return groups, workers and links; `group` narrows to a name or an id.

    Plain dictionaries, as serializers cost several times as much for ten thousand
    placements. The number of queries does not depend on the size of the cluster.
    """
    version = load_cluster_state().version
    groups = [item for item in list_groups() if _is_asked_for(item, group)]
    workers = list_workers()
    names = worker_groups(workers)
    return {
        "groups": [_group_json(item) for item in groups],
        "version": version,
        "workers": [_worker_json(item, names[item.id]) for item in workers],
        "links": [link for item in groups for link in _links_json(item)],
    }


def _is_asked_for(group: PipelineGroup, wanted: str) -> bool:
    return not wanted or wanted in {group.name, str(group.pk)}


def _group_json(group: PipelineGroup) -> Json:
    return {
        "group_id": str(group.pk),
        "group_name": group.name,
        "pipelines": [
            {
                "name": place.pipeline_name,
                "worker_id": place.worker_id,
                "worker_address": place.worker.address if place.worker else None,
            }
            for place in group.placements.all()
        ],
        "routes": [_route_json(route) for route in group.routes.all()],
    }


def _route_json(route: Route) -> Json:
    return {
        "from_pipeline": route.from_pipeline,
        "to_pipeline": route.to_pipeline,
        "event_types": route.event_types,
    }


def _worker_json(worker: Worker, groups: list[str]) -> Json:
    return {
        "id": worker.id,
        "address": worker.address,
        "status": worker.status,
        "pipeline_groups": groups,
    }


def _links_json(group: PipelineGroup) -> list[Json]:
    home = {place.pipeline_name: place.worker_id for place in group.placements.all()}
    return [
        {
            "id": f"r-{route.pk}",
            "group_id": str(group.pk),
            "from": route.from_pipeline,
            "to": route.to_pipeline,
            "source_worker": None
            if route.from_pipeline == EXTERNAL
            else home.get(route.from_pipeline),
            "target_worker": home.get(route.to_pipeline),
            "transport": "http",
        }
        for route in group.routes.all()
    ]
