"""Who changed what: one row per call that may have changed something."""

from django.db import models


class AuditEntry(models.Model):
    """One mutating call (api.md section 2); never a body, never a secret."""

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    who = models.CharField(max_length=160, blank=True, default="", db_index=True)
    role = models.CharField(max_length=16, blank=True, default="")
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=512)
    operation = models.CharField(max_length=128, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")
    peer = models.CharField(max_length=64, blank=True, default="")
    status = models.PositiveSmallIntegerField()
    duration_ms = models.FloatField()

    class Meta:
        ordering = ("-seq",)
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.seq} {self.who} {self.method} {self.path} {self.status}"
