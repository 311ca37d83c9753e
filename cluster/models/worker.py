"""The registry of workers."""

from typing import Any

from django.db import models

from cluster.state import WorkerStatus


def worker_status_choices() -> list[tuple[str, str]]:
    """Return choices by reference, so that a new status needs no migration."""
    return [(status.value, status.value) for status in WorkerStatus]


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Sets of workers that callers name."""

    def registered(self) -> "WorkerQuerySet":
        """Leave out workers that were deregistered."""
        return self.filter(deregistered_at__isnull=True)

    def alive(self) -> "WorkerQuerySet":
        """Keep registered workers that are not known to be silent or stopped."""
        return self.registered().exclude(status=WorkerStatus.UNHEALTHY.value)


class Worker(models.Model):
    """One worker process as it registered and last reported.

    A deleted worker stays as a row with `deregistered_at`, so that the heartbeats of
    its process can be told apart from those of a worker never seen. One deleted with
    `pipelines=leave` keeps its placements (`keeps_pipelines`), and the key to call it.
    """

    id = models.CharField(max_length=128, primary_key=True)
    address = models.CharField(max_length=255)
    pinned_host = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(
        max_length=16,
        choices=worker_status_choices,
        default=WorkerStatus.REGISTERING.value,
    )
    status_reason = models.CharField(max_length=255, null=True, blank=True)
    status_since = models.DateTimeField()
    api_key_encrypted = models.TextField(blank=True, default="")
    api_key_hash = models.CharField(max_length=128, blank=True, default="")
    instance_id = models.CharField(max_length=64, blank=True, default="")
    version = models.CharField(max_length=32, blank=True, default="")
    hostname = models.CharField(max_length=255, blank=True, default="")
    labels: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)
    load: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)
    cpu_cores = models.FloatField(default=1)
    max_pipelines = models.PositiveIntegerField(default=100)
    pipelines_running = models.PositiveIntegerField(default=0)
    events_processed = models.BigIntegerField(default=0)
    reachable = models.BooleanField(default=True)
    failed_calls = models.PositiveIntegerField(default=0)
    cordoned = models.BooleanField(default=False)
    registered_at = models.DateTimeField()
    last_heartbeat_at = models.DateTimeField(db_index=True)
    deregistered_at = models.DateTimeField(null=True, blank=True)
    keeps_pipelines = models.BooleanField(default=False)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.id} at {self.address}"
