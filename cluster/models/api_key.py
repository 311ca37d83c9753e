"""Keys of callers that the coordinator keeps, hashed (api.md section 2)."""

import uuid
from typing import Any

from django.db import models


class ApiKey(models.Model):
    """One key: what it allows, how long, and a keyed hash of its secret.

    While a rotation lasts the replaced secret is good too, until
    `previous_valid_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=128)
    role = models.CharField(max_length=16)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    previous_valid_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: "models.Manager[Any]" = models.Manager()

    class Meta:
        ordering = ("-created_at", "prefix")

    def __str__(self) -> str:
        return f"{self.name} (vp_{self.prefix}, {self.role})"
