"""Where each pipeline of a group runs, and the routes between them."""

from typing import Any

from django.db import models

from cluster.models.group import PipelineGroup
from cluster.models.worker import Worker
from cluster.state import PlacementStatus


def placement_status_choices() -> list[tuple[str, str]]:
    """Return choices by reference, so that a new status needs no migration."""
    return [(status.value, status.value) for status in PlacementStatus]


class PlacementQuerySet(models.QuerySet["Placement"]):
    """Sets of placements that callers name."""

    def assigned(self) -> "PlacementQuerySet":
        """Keep placements that take room on their worker."""
        return self.exclude(
            status__in=(PlacementStatus.STOPPED.value, PlacementStatus.FAILED.value)
        ).filter(worker__isnull=False)

    def wanted(self) -> "PlacementQuerySet":
        """Keep placements of groups whose pipelines should run."""
        return self.filter(group__in=PipelineGroup.objects.wanted())


class Placement(models.Model):
    """One pipeline of a group and the worker that should run it.

    `generation` counts deploys and moves and only grows; `pipeline_id` is the id
    under which the worker knows the running copy. While `claimed_until` is ahead, one
    process is deploying this placement and all others leave it alone.
    """

    group = models.ForeignKey(
        PipelineGroup, on_delete=models.CASCADE, related_name="placements"
    )
    position = models.PositiveIntegerField()
    pipeline_name = models.CharField(max_length=128)
    replica = models.PositiveIntegerField(default=0)
    source = models.TextField()
    limits: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)
    worker = models.ForeignKey(
        Worker,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="placements",
    )
    worker_affinity = models.CharField(max_length=128, blank=True, default="")
    pipeline_id = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(
        max_length=16,
        choices=placement_status_choices,
        default=PlacementStatus.DEPLOYING.value,
    )
    generation = models.PositiveIntegerField(default=1)
    fingerprint = models.CharField(max_length=80, blank=True, default="")
    reason = models.CharField(max_length=255, blank=True, default="")
    error: "models.JSONField[Any, Any]" = models.JSONField(null=True, blank=True)
    since = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = PlacementQuerySet.as_manager()

    class Meta:
        ordering = ("position", "replica")
        # Every sweep asks whether a placement failed.
        indexes = (models.Index(fields=("status",), name="placement_by_status"),)
        constraints = (
            models.UniqueConstraint(
                fields=("group", "pipeline_name", "replica"),
                name="placement_once_per_replica",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pipeline_name} on {self.worker_id or 'no worker'}"


class Route(models.Model):
    """A rule: event-type patterns, from a pipeline or outside, to a pipeline."""

    group = models.ForeignKey(
        PipelineGroup, on_delete=models.CASCADE, related_name="routes"
    )
    position = models.PositiveIntegerField()
    from_pipeline = models.CharField(max_length=128)
    to_pipeline = models.CharField(max_length=128)
    event_types: "models.JSONField[Any, Any]" = models.JSONField()

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return f"{self.from_pipeline} -> {self.to_pipeline}"
