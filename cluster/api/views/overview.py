"""The root, the topology, validation and the history (api.md 4.1, 4.5)."""

from importlib.metadata import version
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.body import read_body
from cluster.api.documented import answers, query
from cluster.api.parsers import PROGRAM_LIMIT
from cluster.api.query import MAX_LIMIT, read_number, read_text
from cluster.api.serializers.overview import (
    ClusterOutput,
    EventListOutput,
    TopologyOutput,
    ValidateInput,
    ValidateOutput,
)
from cluster.exceptions import BadRequestError
from cluster.programs import check_source
from cluster.selectors import list_events
from cluster.services.events import event_json
from cluster.services.topology import load_cluster_state
from cluster.topology_view import load_topology

LINKS = ("workers", "pipeline-groups", "topology", "validate", "events", "keys")
SEVERITIES = ("info", "warning", "error")


class ClusterRootView(ClusterView):
    """The cluster itself."""

    @extend_schema(operation_id="get_cluster", responses=answers({200: ClusterOutput}))
    def get(self, request: Request) -> Response:
        """Say which cluster this is, and where its parts are."""
        base = request.build_absolute_uri(request.path).rstrip("/")
        links = {name.replace("-", "_"): f"{base}/{name}" for name in LINKS}
        links["schema"] = request.build_absolute_uri("/api/schema/")
        links["docs"] = request.build_absolute_uri("/api/docs/")
        return Response({
            "name": "varpulis",
            "version": version("varpulis"),
            "cluster_id": str(load_cluster_state().cluster_id),
            "links": links,
        })


class TopologyView(ClusterView):
    """Groups, workers and the links between them."""

    @extend_schema(
        operation_id="get_topology",
        parameters=[query("group", "a name or an id")],
        responses=answers({200: TopologyOutput}),
    )
    def get(self, request: Request) -> Response:
        """Show which pipeline runs where, and what routes lead to it."""
        return Response(load_topology(group=read_text(request, "group")))


class ValidateView(ClusterView):
    """Checks a program without deploying it."""

    roles = {"POST": Role.VIEWER}
    body_limit = PROGRAM_LIMIT

    @extend_schema(
        operation_id="validate_program",
        request=ValidateInput,
        responses=answers({200: ValidateOutput}, 413, 415),
    )
    def post(self, request: Request) -> Response:
        """Return all findings of the checker; an invalid program is a 200."""
        data, _ = read_body(request, ValidateInput)
        return Response(check_source(data["source"]))


class EventsView(ClusterView):
    """The history of the cluster."""

    @extend_schema(
        operation_id="list_cluster_events",
        parameters=[
            query("type", "prefix of the type"),
            query("worker", "id of a worker"),
            query("group", "id of a group"),
            query("severity", "info, warning or error"),
            query("cursor", "next_cursor of the page before"),
            query("limit", "1 to 1000", OpenApiTypes.INT),
        ],
        responses=answers({200: EventListOutput}),
    )
    def get(self, request: Request) -> Response:
        """List what happened, newest first."""
        limit = read_number(request, "limit", MAX_LIMIT, 1, MAX_LIMIT)
        found = list_events(
            event_type=read_text(request, "type"),
            worker_id=read_text(request, "worker"),
            group_id=_group_id(request),
            severity=read_text(request, "severity", SEVERITIES),
            before_seq=read_number(request, "cursor", 0, 1, 2**63 - 1) or None,
            limit=limit + 1,
        )
        shown = [event_json(event) for event in found[:limit]]
        cursor = str(shown[-1]["seq"]) if len(found) > limit else None
        return Response({"events": shown, "next_cursor": cursor})


def _group_id(request: Request) -> str:
    text = read_text(request, "group")
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        raise BadRequestError(f"query parameter group: '{text}' is no id") from None
