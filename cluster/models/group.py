"""Pipeline groups and their revisions."""

import uuid
from typing import Any

from django.db import models

from cluster.state import GroupStatus


def group_status_choices() -> list[tuple[str, str]]:
    """Return choices by reference, so that a new status needs no migration."""
    return [(status.value, status.value) for status in GroupStatus]


class PipelineGroupQuerySet(models.QuerySet["PipelineGroup"]):
    """Sets of groups that callers name."""

    def standing(self) -> "PipelineGroupQuerySet":
        """Leave out groups that were torn down."""
        return self.exclude(status=GroupStatus.TORN_DOWN.value)

    def wanted(self) -> "PipelineGroupQuerySet":
        """Keep groups whose pipelines should run: neither torn down nor given up."""
        return self.standing().exclude(
            status=GroupStatus.FAILED.value, started_at__isnull=True
        )


class PipelineGroup(models.Model):
    """Pipelines and routes that are deployed and torn down together.

    `spec` is the request as accepted; placements and routes are its rows. `started_at`
    says when its first pipeline ran: only such a group is kept alive by failover, one
    that never started stays a record of why.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=128, db_index=True)
    status = models.CharField(
        max_length=24,
        choices=group_status_choices,
        default=GroupStatus.DEPLOYING.value,
    )
    spec: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=80, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    default_route = models.CharField(max_length=128, default="first")
    warnings: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    labels: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    torn_down_at = models.DateTimeField(null=True, blank=True)

    objects = PipelineGroupQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class Revision(models.Model):
    """One accepted spec of a group; numbers grow by one."""

    group = models.ForeignKey(
        PipelineGroup, on_delete=models.CASCADE, related_name="revisions"
    )
    number = models.PositiveIntegerField()
    spec: "models.JSONField[Any, Any]" = models.JSONField()
    fingerprint = models.CharField(max_length=80)
    comment = models.CharField(max_length=255, blank=True, default="")
    requested_by = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(
                fields=("group", "number"), name="revision_once_per_group"
            ),
        )

    def __str__(self) -> str:
        return f"{self.group_id} rev {self.number}"
