"""Make, rotate and revoke API keys; keep the ring in memory current (api.md section 2).

A secret is returned once, by the call that made it, and stored nowhere.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from cluster.access import Role
from cluster.exceptions import KeyNotFoundError
from cluster.key_ring import MARK, RING, StoredKey
from cluster.models import ApiKey, ClusterState
from cluster.models.topology import THE_ROW
from cluster.secrets import hash_key
from cluster.services.events import record_event
from cluster.services.topology import load_cluster_state

PREFIX_SIGNS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that look alike
PREFIX_LENGTH = 8
SECRET_BYTES = 32
OVERLAP_S = 3600


def create_key(
    *,
    name: str,
    role: Role,
    now: datetime,
    created_by: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key; return its row and the secret, which nobody sees again."""
    prefix = "".join(secrets.choice(PREFIX_SIGNS) for _ in range(PREFIX_LENGTH))
    secret = _new_secret(prefix)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            role=role.value,
            prefix=prefix,
            secret_hash=hash_key(secret),
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
        )
        _tell("created", key, cause=created_by, now=now)
    return key, secret


def rotate_key(
    *, key_id: UUID, now: datetime, cause: str = "", overlap_s: float = OVERLAP_S
) -> tuple[ApiKey, str]:
    """Give a key a new secret; the old one is good for `overlap_s` seconds more.

    Raises KeyNotFoundError for an unknown or revoked key.
    """
    with transaction.atomic():
        key = _live_key(key_id)
        secret = _new_secret(key.prefix)
        key.previous_hash = key.secret_hash if overlap_s else ""
        key.previous_valid_until = now + timedelta(seconds=overlap_s)
        key.secret_hash = hash_key(secret)
        key.rotated_at = now
        key.save()
        _tell("rotated", key, cause=cause, now=now)
    return key, secret


def revoke_key(*, key_id: UUID, now: datetime, cause: str = "") -> ApiKey:
    """End a key at once and for good; again: nothing changes.

    Raises KeyNotFoundError for an unknown key.
    """
    with transaction.atomic():
        rows = ApiKey.objects.select_for_update()
        key: ApiKey | None = rows.filter(pk=key_id).first()
        if key is None:
            raise KeyNotFoundError(f"there is no key {key_id}")
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
            _tell("revoked", key, cause=cause, now=now)
    return key


def list_keys() -> list[ApiKey]:
    """Return all keys, newest first, revoked ones too."""
    return list(ApiKey.objects.all())


def load_key_ring() -> None:
    """Read all keys that are not revoked into memory, unless they are there already."""
    version = load_cluster_state().keys_version
    if version == RING.version:
        return
    rows = ApiKey.objects.filter(revoked_at__isnull=True)
    RING.replace([_stored(row) for row in rows], version=version)


def store_uses(uses: Mapping[UUID, float]) -> None:
    """Write when keys were last used; times are seconds since the epoch."""
    for key_id, used_s in uses.items():
        used_at = datetime.fromtimestamp(used_s, UTC)
        older = Q(last_used_at__isnull=True) | Q(last_used_at__lt=used_at)
        ApiKey.objects.filter(older, pk=key_id).update(last_used_at=used_at)


def _new_secret(prefix: str) -> str:
    return f"{MARK}_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def _live_key(key_id: UUID) -> ApiKey:
    live = ApiKey.objects.select_for_update().filter(revoked_at__isnull=True)
    key: ApiKey | None = live.filter(pk=key_id).first()
    if key is None:
        raise KeyNotFoundError(f"there is no key {key_id} that is not revoked")
    return key


def _tell(what: str, key: ApiKey, *, cause: str, now: datetime) -> None:
    """Count the change, write it down, and renew the ring once it is committed."""
    load_cluster_state()
    row = ClusterState.objects.filter(pk=THE_ROW)
    row.update(keys_version=F("keys_version") + 1)
    record_event(
        event_type=f"key.{what}",
        message=f"key '{key.name}' (vp_{key.prefix}, role {key.role}) was {what}",
        now=now,
        cause=cause[:64],
        data={"key_id": str(key.pk), "prefix": key.prefix, "role": key.role},
    )
    transaction.on_commit(load_key_ring)


def _stored(row: ApiKey) -> StoredKey:
    until = row.previous_valid_until
    return StoredKey(
        id=row.pk,
        prefix=row.prefix,
        role=row.role,
        secret_hash=row.secret_hash,
        previous_hash=row.previous_hash,
        previous_until_s=until.timestamp() if until else 0.0,
        expires_s=row.expires_at.timestamp() if row.expires_at else None,
    )
