"""The root, the topology and validation (api.md 4.1, 4.5)."""

from importlib.metadata import version

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.body import read_body
from cluster.api.documented import answers, query
from cluster.api.encoded import encoded_answer
from cluster.api.parsers import PROGRAM_LIMIT
from cluster.api.query import read_text
from cluster.api.serializers.overview import (
    ClusterOutput,
    TopologyOutput,
    ValidateInput,
    ValidateOutput,
)
from cluster.programs import check_source
from cluster.services.topology import load_cluster_state
from cluster.topology_view import TopologyCache

LINKS = (
    "workers", "pipeline-groups", "topology", "validate", "events", "audit", "keys",
)  # fmt: skip


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

    topologies = TopologyCache()
    topologies.follow()

    @extend_schema(
        operation_id="get_topology",
        parameters=[query("group", "a name or an id")],
        responses=answers({200: TopologyOutput, 304: None}),
    )
    def get(self, request: Request) -> HttpResponse | Response:
        """Show which pipeline runs where, and what routes lead to it."""
        document = self.topologies.get(read_text(request, "group"))
        return encoded_answer(request, document.json, tag=document.tag)


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
