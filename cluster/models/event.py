"""The history of what happened in the cluster."""

from typing import Any

from django.db import models


class ClusterEvent(models.Model):
    """One entry of the cluster history, in the form of api.md 5.11."""

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    type = models.CharField(max_length=64, db_index=True)
    severity = models.CharField(max_length=16, default="info")
    worker_id = models.CharField(max_length=128, blank=True, default="")
    group_id = models.UUIDField(null=True, blank=True)
    message = models.TextField()
    cause = models.CharField(max_length=64, blank=True, default="")
    data: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-seq",)

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
