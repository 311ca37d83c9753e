"""The one row that says which cluster this is and how often it changed."""

import uuid

from django.db import models

THE_ROW = 1


class ClusterState(models.Model):
    """Identity of the cluster and the version of its topology.

    `version` grows with every change of workers, placements or routes; readers
    compare it to know whether what they hold in memory is current; `keys_version` does
    the same for API keys. `sweep_holder` is the process that may sweep until
    `sweep_lease_until`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ROW)
    cluster_id = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.BigIntegerField(default=1)
    keys_version = models.BigIntegerField(default=0)
    sweep_holder = models.CharField(max_length=64, blank=True, default="")
    sweep_lease_until = models.DateTimeField(null=True, blank=True)
    tidied_at = models.DateTimeField(null=True, blank=True)
    last_sweep_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "cluster state"

    def __str__(self) -> str:
        return f"cluster {self.cluster_id} at version {self.version}"
