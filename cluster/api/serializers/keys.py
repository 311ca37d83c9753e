"""API keys (api.md 4.5): their secrets are shown once, by the call that makes them."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cluster.access import Role
from cluster.api.fields import FlagField, NumberField, TextField, TimestampField
from cluster.api.serializers.common import Serializer
from cluster.models import ApiKey

MOST_OVERLAP_S = 30 * 24 * 3600.0


@extend_schema_field(OpenApiTypes.DATETIME)
class FutureField(serializers.Field[Any, Any, Any, Any]):
    """A time with its zone (RFC 3339) that is still to come."""

    default_error_messages = {
        "invalid": "must be a time such as 2027-03-01T00:00:00Z",
        "past": "must be a time to come",
    }

    def to_internal_value(self, data: Any) -> datetime:
        """Return the time or fail."""
        try:
            moment = datetime.fromisoformat(data)
        except (TypeError, ValueError):
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("invalid")
        if moment <= datetime.now(UTC):
            self.fail("past")
        return moment


class KeyInput(Serializer):
    """A key to make."""

    name = TextField(most=128)
    role = serializers.ChoiceField(choices=[role.value for role in Role])
    expires_at = FutureField(required=False, allow_null=True, default=None)


class RotationInput(Serializer):
    """How long the replaced secret stays good, in seconds."""

    overlap_seconds = NumberField(required=False, default=3600.0)

    def validate_overlap_seconds(self, value: float) -> float:
        """Refuse overlaps that nobody would remember."""
        if value > MOST_OVERLAP_S:
            raise serializers.ValidationError("must be 30 days at most")
        return value


class KeyOutput(Serializer):
    """A key without its secret."""

    id = TextField()
    name = TextField()
    role = TextField()
    prefix = TextField()
    status = serializers.SerializerMethodField()
    created_at = TimestampField()
    created_by = TextField()
    expires_at = TimestampField(allow_null=True)
    rotated_at = TimestampField(allow_null=True)
    previous_valid_until = TimestampField(allow_null=True)
    revoked_at = TimestampField(allow_null=True)
    last_used_at = TimestampField(allow_null=True)

    def get_status(self, key: ApiKey) -> str:
        """Return active, expired or revoked."""
        if key.revoked_at is not None:
            return "revoked"
        now = self.context.get("now") or datetime.now(UTC)
        expired = key.expires_at is not None and key.expires_at <= now
        return "expired" if expired else "active"

    def to_representation(self, key: ApiKey) -> dict[str, Any]:
        """Return the prefix in the form in which keys begin."""
        shown = super().to_representation(key)
        return {**shown, "prefix": f"vp_{key.prefix}"}


class NewKeyOutput(KeyOutput):
    """A key that was just made or rotated, with its secret for the only time."""

    key = serializers.SerializerMethodField()

    def get_key(self, _key: ApiKey) -> str:
        """Return the secret."""
        return str(self.context["secret"])


class KeyListOutput(Serializer):
    """A page of the keys, newest first."""

    keys = KeyOutput(many=True)
    total = serializers.IntegerField()


class RevokedOutput(Serializer):
    """What revoking answers."""

    revoked = FlagField()
