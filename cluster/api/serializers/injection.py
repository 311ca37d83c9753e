"""Events in and out, for the document (api.md 4.4, 5.7, 5.8)."""

from rest_framework import serializers

from cluster.api.fields import CountField, FlagField, ObjectField, TextField
from cluster.api.serializers.common import Serializer


class EventInput(Serializer):
    """One event; `data` is read as `fields`."""

    event_type = TextField()
    fields = ObjectField(required=False)  # type: ignore[assignment]  # declared field
    id = TextField(required=False, most=128)
    timestamp = TextField(required=False)


class WorkerResponseOutput(Serializer):
    """What the worker answered; `errors` and `complete` only if there is need."""

    accepted = FlagField()
    output_events = serializers.ListField(child=ObjectField())


class InjectOutput(Serializer):
    """Where an event went and what came of it."""

    routed_to = TextField()
    worker_id = TextField()
    worker_response = WorkerResponseOutput()


class BatchInput(Serializer):
    """Several events; an array or NDJSON do as well."""

    events = EventInput(many=True)


class BatchOutput(Serializer):
    """The summary of a batch."""

    events_sent = CountField()
    events_failed = CountField()
    output_events = serializers.ListField(child=ObjectField(), required=False)
    output_count = CountField(required=False)
    outputs_truncated = FlagField(required=False)
    errors = serializers.ListField(  # type: ignore[assignment]  # declared field
        child=ObjectField()
    )
    targets = serializers.ListField(child=ObjectField())
    processing_time_us = CountField()
