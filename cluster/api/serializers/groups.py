"""Pipeline groups: spec, group, plan (api.md 5.4 to 5.6)."""

from typing import Any

from rest_framework import serializers

from cluster import conf
from cluster.api.fields import (
    CountField,
    FlagField,
    LimitsField,
    ObjectField,
    TextField,
    TimestampField,
)
from cluster.api.serializers.common import (
    DiagnosticSerializer,
    PaginationSerializer,
    Serializer,
)
from cluster.group_spec import GroupSpec, PipelineSpec, RouteSpec
from cluster.models import PipelineGroup
from cluster.state import PlacementStatus


class PipelineInput(Serializer):
    """One program of a group."""

    name = TextField(allow_empty=True)
    source = TextField(allow_empty=True)  # type: ignore[assignment]  # declared field
    worker_affinity = TextField(
        required=False, default=None, allow_null=True, allow_empty=True, most=128
    )
    limits = LimitsField(required=False, default=dict)


class RouteInput(Serializer):
    """One route; `mqtt_topic` is taken and not used."""

    from_pipeline = TextField(allow_empty=True)
    to_pipeline = TextField(allow_empty=True)
    event_types = serializers.ListField(child=TextField(allow_empty=True))


class GroupInput(Serializer):
    """The spec of a group."""

    name = TextField(allow_empty=True)
    pipelines = PipelineInput(many=True, allow_empty=True)
    routes = RouteInput(many=True, required=False, default=list)
    atomic = FlagField(required=False, default=True)
    placement = TextField(required=False, default="")
    default_route = TextField(required=False, default="")
    labels = ObjectField(required=False, default=dict)
    description = TextField(required=False, default="", allow_empty=True)


def spec_of(data: dict[str, Any]) -> GroupSpec:
    """Return the spec that checked input stands for, with the defaults of settings."""
    settings = conf.current()
    return GroupSpec(
        name=data["name"],
        pipelines=tuple(
            PipelineSpec(
                item["name"],
                item["source"],
                item["worker_affinity"] or None,
                item["limits"],
            )
            for item in data["pipelines"]
        ),
        routes=tuple(
            RouteSpec(
                item["from_pipeline"], item["to_pipeline"], tuple(item["event_types"])
            )
            for item in data["routes"]
        ),
        atomic=data["atomic"],
        placement=data["placement"] or settings.placement,
        default_route=data["default_route"] or settings.default_route,
        labels=data["labels"],
        description=data["description"],
    )


class PlacementOutput(Serializer):
    """Where one pipeline runs."""

    pipeline_name = TextField()
    worker_id = TextField(allow_null=True)
    worker_address = serializers.CharField(
        source="worker.address", default=None, allow_null=True
    )
    pipeline_id = TextField(allow_empty=True)
    status = TextField()
    replica = CountField()
    generation = CountField()
    limits = LimitsField()
    reason = TextField()
    error = ObjectField(allow_null=True)
    since = TimestampField()


class RouteOutput(Serializer):
    """One route as deployed."""

    from_pipeline = TextField()
    to_pipeline = TextField()
    event_types = serializers.ListField(child=TextField())


class GroupOutput(Serializer):
    """A group with its placements and routes."""

    id = TextField()
    name = TextField()
    status = TextField()
    pipeline_count = serializers.SerializerMethodField()
    placements = PlacementOutput(many=True)
    revision = CountField()
    fingerprint = TextField()
    paused = serializers.SerializerMethodField()
    created_at = TimestampField()
    updated_at = TimestampField()
    routes = RouteOutput(many=True)
    sources = serializers.SerializerMethodField()
    warnings = serializers.ListField(child=TextField())
    operation_id = serializers.SerializerMethodField()
    labels = ObjectField()

    def get_pipeline_count(self, group: PipelineGroup) -> int:
        """Return how many pipelines the spec has."""
        return len({place.pipeline_name for place in group.placements.all()})

    def get_paused(self, group: PipelineGroup) -> bool:
        """Tell whether every placement is paused."""
        statuses = {place.status for place in group.placements.all()}
        return statuses == {PlacementStatus.PAUSED.value}

    def get_sources(self, group: PipelineGroup) -> dict[str, str]:
        """Return the programs by pipeline name."""
        return {place.pipeline_name: place.source for place in group.placements.all()}

    def get_operation_id(self, group: PipelineGroup) -> str | None:
        """Return the running operation: deploys answer when they are done."""
        return None


class GroupWithSpecOutput(GroupOutput):
    """A group asked for with `include=spec`."""

    spec = ObjectField()


class GroupListOutput(Serializer):
    """A page of groups, newest first."""

    pipeline_groups = GroupOutput(many=True)
    total = CountField()
    pagination = PaginationSerializer()


class PendingRemovalOutput(Serializer):
    """A copy that goes when its worker can be reached again."""

    pipeline_name = TextField()
    worker_id = TextField()
    pipeline_id = TextField()


class TornDownOutput(Serializer):
    """Exactly `torn_down`, unless something is left on a worker."""

    torn_down = FlagField()
    pending_removals = PendingRemovalOutput(many=True, required=False)


class PlanOutput(Serializer):
    """What a deploy would do (dry run)."""

    action = TextField()
    name = TextField()
    changed = FlagField()
    from_revision = CountField(allow_null=True)
    to_revision = CountField(allow_null=True)
    valid = FlagField()
    diagnostics = DiagnosticSerializer(many=True)
    warnings = serializers.ListField(child=TextField())
    pipelines = serializers.ListField(child=ObjectField())
    placements = serializers.ListField(child=ObjectField())
    routes = ObjectField()
    diff = TextField()
    errors = serializers.ListField(  # type: ignore[assignment]  # declared field
        child=ObjectField(), required=False
    )
