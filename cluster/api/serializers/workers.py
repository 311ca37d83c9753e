"""Workers: registration, heartbeat and what is shown of them (api.md 5.1 to 5.3)."""

import re
from datetime import datetime
from typing import Any

from rest_framework import serializers

from cluster.api.fields import (
    CountField,
    FlagField,
    NumberField,
    ObjectField,
    TextField,
    TimestampField,
)
from cluster.api.serializers.common import (
    ActionSerializer,
    PaginationSerializer,
    Serializer,
)
from cluster.models import Worker

WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
MAX_KEY = 4096  # characters


class WorkerIdField(TextField):
    """`[A-Za-z0-9][A-Za-z0-9._:-]{0,127}`."""

    default_error_messages = {
        "id": "worker ids have 1 to 128 characters A-Z a-z 0-9 . _ : - and start with "
        "a letter or digit"
    }

    def to_internal_value(self, data: Any) -> str:
        """Return the id or fail."""
        text = super().to_internal_value(data)
        if not WORKER_ID.fullmatch(text):
            self.fail("id")
        return text


class CapacityInput(Serializer):
    """How much a worker can carry, and carries."""

    cpu_cores = NumberField(required=False, default=1)
    pipelines_running = CountField(required=False, default=0)
    max_pipelines = CountField(required=False, default=100)


class RegistrationInput(Serializer):
    """What a worker says of itself; the first three are needed."""

    worker_id = WorkerIdField()
    address = TextField(most=255)
    api_key = TextField(most=MAX_KEY, allow_empty=True)
    capacity = CapacityInput(required=False, default=dict)
    instance_id = TextField(required=False, default="", most=64, allow_empty=True)
    version = TextField(required=False, default="", most=32, allow_empty=True)
    hostname = TextField(required=False, default="", most=255, allow_empty=True)
    labels = ObjectField(required=False, default=dict)
    load = ObjectField(required=False, default=dict)
    pipelines = serializers.ListField(
        child=ObjectField(), required=False, default=None, allow_null=True
    )


class RegistrationOutput(Serializer):
    """What a worker is told when it has joined."""

    worker_id = TextField()
    status = serializers.ChoiceField(choices=("registered",))
    heartbeat_interval_seconds = NumberField()
    heartbeat_timeout_seconds = NumberField()
    cluster_id = TextField()
    checkpoint_interval_seconds = NumberField()
    routes_version = CountField()
    actions = ActionSerializer(many=True)
    warnings = serializers.ListField(child=TextField(), required=False)


class HeartbeatInput(Serializer):
    """A report; all members may be missing, an empty object is fine."""

    events_processed = CountField(required=False, default=0, most=2**63 - 1)
    pipelines_running = CountField(required=False, default=None, allow_null=True)
    instance_id = TextField(required=False, default="", most=64, allow_empty=True)
    uptime_seconds = NumberField(required=False)
    load = ObjectField(required=False, default=None, allow_null=True)
    routes_version = CountField(required=False)
    stopping = FlagField(required=False, default=False)
    pipelines = serializers.ListField(
        child=ObjectField(), required=False, default=None, allow_null=True
    )
    routes = serializers.ListField(child=ObjectField(), required=False)


class HeartbeatOutput(Serializer):
    """The answer to a report."""

    acknowledged = FlagField()
    actions = ActionSerializer(many=True, required=False)


class WorkerOutput(Serializer):
    """A worker as the registry shows it; `context["now"]` is when it was asked."""

    id = TextField()
    address = TextField()
    status = TextField()
    pipelines_running = CountField()
    max_pipelines = CountField()
    assigned_pipelines = serializers.SerializerMethodField()
    cpu_cores = NumberField()
    labels = ObjectField()
    version = TextField()
    reachable = FlagField()
    cordoned = FlagField()
    registered_at = TimestampField()
    last_heartbeat_at = TimestampField()
    heartbeat_age_seconds = serializers.SerializerMethodField()
    status_reason = TextField(allow_null=True)
    events_processed = CountField(most=2**63 - 1)
    load = ObjectField()

    def get_assigned_pipelines(self, worker: Worker) -> list[str]:
        """Return the names of its placements, in the order they came."""
        placements: list[Any] = getattr(worker, "assigned_placements", [])
        return [place.pipeline_name for place in placements]

    def get_heartbeat_age_seconds(self, worker: Worker) -> float:
        """Return how long ago it reported, by the coordinator's clock."""
        now: datetime = self.context["now"]
        age_s = (now - worker.last_heartbeat_at).total_seconds()
        return round(max(0.0, age_s), 1)


class WorkerListOutput(Serializer):
    """A page of workers, in natural order of their ids."""

    workers = WorkerOutput(many=True)
    total = CountField()
    pagination = PaginationSerializer()


class DeletedOutput(Serializer):
    """Exactly this."""

    deleted = FlagField()
