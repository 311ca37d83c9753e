"""Pipeline groups (api.md 4.3)."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.body import read_body
from cluster.api.documented import LIST_PARAMETERS, answers, query
from cluster.api.parsers import PROGRAM_LIMIT
from cluster.api.plans import plan_json
from cluster.api.query import paginate, read_flag, read_text, read_words
from cluster.api.revisions import check_revision, entity_tag
from cluster.api.serializers.groups import (
    GroupInput,
    GroupListOutput,
    GroupOutput,
    GroupWithSpecOutput,
    PendingRemovalOutput,
    PlanOutput,
    TornDownOutput,
    spec_of,
)
from cluster.models import PipelineGroup
from cluster.selectors import get_group, get_group_by_name, list_groups
from cluster.services.groups import deploy_group, teardown_group
from cluster.state import GroupStatus

TORN_DOWN = "torn_down"
SPEC = "spec"


class GroupsView(ClusterView):
    """All pipeline groups."""

    roles = {"GET": Role.VIEWER, "POST": Role.OPERATOR}
    body_limit = PROGRAM_LIMIT

    @extend_schema(
        operation_id="list_pipeline_groups",
        parameters=[
            query("status"),
            query("name"),
            query("worker", "id of a worker that runs one of its pipelines"),
            query("label", "key:value or key"),
            query("include", TORN_DOWN),
            *LIST_PARAMETERS,
        ],
        responses=answers({200: GroupListOutput}),
    )
    def get(self, request: Request) -> Response:
        """List the groups, newest first; torn-down ones only if asked for."""
        found = list_groups(
            status=read_text(request, "status", [item.value for item in GroupStatus]),
            name=read_text(request, "name"),
            worker_id=read_text(request, "worker"),
            label=read_text(request, "label"),
            with_torn_down=TORN_DOWN in read_words(request, "include", (TORN_DOWN,)),
        )
        page, totals = paginate(request, found)
        shown = GroupOutput(page, many=True).data
        return Response({"pipeline_groups": shown, **totals})

    @extend_schema(
        operation_id="deploy_pipeline_group",
        parameters=[
            query("dry_run", "answer the plan, deploy nothing", OpenApiTypes.BOOL),
            query("strict", "unknown keys are 422", OpenApiTypes.BOOL),
        ],
        request=GroupInput,
        responses=answers(
            {200: PlanOutput, 201: GroupOutput}, 409, 413, 415, 422, 502, 503, 504
        ),
    )
    def post(self, request: Request) -> Response:
        """Deploy a group: all of its pipelines or, unless `atomic` is false, none."""
        data, warnings = read_body(request, GroupInput)
        spec = spec_of(data)
        if read_flag(request, "dry_run"):
            return Response(plan_json(spec, warnings))
        group = deploy_group(spec=spec, requested_by=str(request.user), notes=warnings)
        return Response(GroupOutput(group).data, status=201, headers=_etag(group))


class GroupView(ClusterView):
    """One pipeline group, by id."""

    roles = {"GET": Role.VIEWER, "DELETE": Role.ADMIN}

    @extend_schema(
        operation_id="get_pipeline_group",
        parameters=[query("include", "spec")],
        responses=answers({200: GroupWithSpecOutput}, 404),
    )
    def get(self, request: Request, group_id: str) -> Response:
        """Show a group, a torn-down one too."""
        return _shown(request, get_group(group_id))

    @extend_schema(
        operation_id="tear_down_pipeline_group",
        parameters=[query("force", "accepted; a teardown never waits for a worker")],
        responses=answers({200: TornDownOutput}, 404, 412),
    )
    def delete(self, request: Request, group_id: str) -> Response:
        """Remove all pipelines of a group from their workers."""
        return _torn_down(request, get_group(group_id))


class NamedGroupView(ClusterView):
    """One pipeline group, by its name."""

    roles = {"GET": Role.VIEWER, "DELETE": Role.ADMIN}

    @extend_schema(
        operation_id="get_pipeline_group_by_name",
        parameters=[query("include", "spec")],
        responses=answers({200: GroupWithSpecOutput}, 404, 409),
    )
    def get(self, request: Request, name: str) -> Response:
        """Show the group of this name."""
        return _shown(request, get_group_by_name(name))

    @extend_schema(
        operation_id="tear_down_pipeline_group_by_name",
        responses=answers({200: TornDownOutput}, 404, 409, 412),
    )
    def delete(self, request: Request, name: str) -> Response:
        """Remove all pipelines of the group of this name from their workers."""
        return _torn_down(request, get_group_by_name(name))


def _shown(request: Request, group: PipelineGroup) -> Response:
    with_spec = SPEC in read_words(request, "include", (SPEC,))
    serializer: Any = GroupWithSpecOutput if with_spec else GroupOutput
    return Response(serializer(group).data, headers=_etag(group))


def _torn_down(request: Request, group: PipelineGroup) -> Response:
    read_flag(request, "force")
    check_revision(request, group)
    left = teardown_group(group=group, cause=str(request.user))
    body: dict[str, Any] = {"torn_down": True}
    if left:
        body["pending_removals"] = PendingRemovalOutput(left, many=True).data
    return Response(body)


def _etag(group: PipelineGroup) -> dict[str, str]:
    return {"ETag": entity_tag(group)}
