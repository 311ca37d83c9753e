"""Topology, validation, events and the root (api.md 4.1, 4.5, 5.9, 5.11)."""

from rest_framework import serializers

from cluster.api.fields import CountField, FlagField, ObjectField, TextField
from cluster.api.serializers.common import DiagnosticSerializer, Serializer
from cluster.api.serializers.groups import RouteOutput


class ClusterOutput(Serializer):
    """Where everything is."""

    name = TextField()
    version = TextField()
    cluster_id = TextField()
    links = ObjectField()


class TopologyPipelineOutput(Serializer):
    """A pipeline of a group in the topology."""

    name = TextField()
    worker_id = TextField(allow_null=True)
    worker_address = TextField(allow_null=True)


class TopologyGroupOutput(Serializer):
    """A group in the topology; never any further keys."""

    group_id = TextField()
    group_name = TextField()
    pipelines = TopologyPipelineOutput(many=True)
    routes = RouteOutput(many=True)


class TopologyWorkerOutput(Serializer):
    """A worker in the topology."""

    id = TextField()
    address = TextField()
    status = TextField()
    pipeline_groups = serializers.ListField(child=TextField())


class TopologyOutput(Serializer):
    """Groups as in the tutorial, and what is live beside them."""

    groups = TopologyGroupOutput(many=True)
    version = CountField()
    workers = TopologyWorkerOutput(many=True)
    links = serializers.ListField(child=ObjectField())


class ValidateInput(Serializer):
    """A program to check."""

    source = TextField(allow_empty=True)  # type: ignore[assignment]  # declared field


class ValidateOutput(Serializer):
    """What the checker found; an invalid program is an answer, not an error."""

    valid = FlagField()
    diagnostics = DiagnosticSerializer(many=True)
    consumes = serializers.ListField(child=TextField())
    emits = serializers.ListField(child=TextField())
    streams = serializers.ListField(child=TextField())


class EventListOutput(Serializer):
    """A page of the history, newest first; `next_cursor` is null at its end."""

    events = serializers.ListField(child=ObjectField())
    next_cursor = TextField(allow_null=True)


class AuditOutput(Serializer):
    """A page of the audit, newest first; `next_cursor` is null at its end."""

    audit = serializers.ListField(child=ObjectField())
    next_cursor = TextField(allow_null=True)
