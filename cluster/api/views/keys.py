"""Make, list, rotate and revoke API keys (api.md 4.5)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.body import read_body
from cluster.api.documented import LIST_PARAMETERS, answers
from cluster.api.query import paginate
from cluster.api.serializers.keys import (
    KeyInput,
    KeyListOutput,
    KeyOutput,
    NewKeyOutput,
    RevokedOutput,
    RotationInput,
)
from cluster.exceptions import KeyNotFoundError
from cluster.models import ApiKey
from cluster.services.keys import create_key, list_keys, revoke_key, rotate_key


class KeysView(ClusterView):
    """All keys."""

    roles = {"GET": Role.ADMIN, "POST": Role.ADMIN}

    @extend_schema(
        operation_id="list_keys",
        parameters=LIST_PARAMETERS,
        responses=answers({200: KeyListOutput}),
    )
    def get(self, request: Request) -> Response:
        """List keys, newest first; secrets are never shown again."""
        page, totals = paginate(request, list_keys())
        shown = KeyOutput(page, many=True, context={"now": datetime.now(UTC)})
        return Response({"keys": shown.data, **totals})

    @extend_schema(
        operation_id="create_key",
        request=KeyInput,
        responses=answers({201: NewKeyOutput}, 415),
    )
    def post(self, request: Request) -> Response:
        """Make a key; `key` of the answer is shown only here."""
        data, warnings = read_body(request, KeyInput)
        key, secret = create_key(
            name=data["name"],
            role=Role(data["role"]),
            expires_at=data["expires_at"],
            created_by=str(request.user),
            now=datetime.now(UTC),
        )
        return Response(_with_secret(key, secret, warnings), status=201)


class KeyView(ClusterView):
    """One key."""

    roles = {"DELETE": Role.ADMIN}

    @extend_schema(
        operation_id="revoke_key", responses=answers({200: RevokedOutput}, 404)
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """End a key at once."""
        revoke_key(key_id=_uuid(key_id), now=datetime.now(UTC), cause=str(request.user))
        return Response({"revoked": True})


class KeyRotationView(ClusterView):
    """A new secret for a key."""

    roles = {"POST": Role.ADMIN}

    @extend_schema(
        operation_id="rotate_key",
        request=RotationInput,
        responses=answers({200: NewKeyOutput}, 404, 415),
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Replace the secret; the old one stays good for the overlap."""
        data, warnings = read_body(request, RotationInput)
        key, secret = rotate_key(
            key_id=_uuid(key_id),
            overlap_s=data["overlap_seconds"],
            cause=str(request.user),
            now=datetime.now(UTC),
        )
        return Response(_with_secret(key, secret, warnings))


def _with_secret(key: ApiKey, secret: str, warnings: list[str]) -> dict[str, Any]:
    context = {"now": datetime.now(UTC), "secret": secret}
    body = dict(NewKeyOutput(key, context=context).data)
    return body | ({"warnings": warnings} if warnings else {})


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise KeyNotFoundError(f"there is no key '{text}'") from None
