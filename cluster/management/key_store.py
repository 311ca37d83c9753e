"""Where `varpulis keys` works: the API of a coordinator, or its database."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from cluster.management.coordinator_calls import USAGE, CallError, Coordinator, Json


class KeyStore(Protocol):
    """Lists and changes keys; answers have the form of the API."""

    def list(self) -> list[Json]:
        """Return all keys, newest first."""

    def create(self, name: str, role: str, expires_at: str | None) -> Json:
        """Make a key and return it with its secret."""

    def rotate(self, key_id: str, overlap_s: float) -> Json:
        """Give a key a new secret and return it."""

    def revoke(self, key_id: str) -> None:
        """End a key."""


class ApiKeyStore:
    """Asks a coordinator, as an admin."""

    def __init__(self, coordinator: Coordinator) -> None:
        """Keep whom to ask."""
        self._call = coordinator.call

    def list(self) -> list[Json]:
        """Return all keys, newest first."""
        return list(self._call("GET", "keys")["keys"])

    def create(self, name: str, role: str, expires_at: str | None) -> Json:
        """Make a key and return it with its secret."""
        body: Json = {"name": name, "role": role}
        if expires_at:
            body["expires_at"] = expires_at
        return self._call("POST", "keys", body=body)

    def rotate(self, key_id: str, overlap_s: float) -> Json:
        """Give a key a new secret and return it."""
        body = {"overlap_seconds": overlap_s}
        return self._call("POST", f"keys/{key_id}/rotate", body=body)

    def revoke(self, key_id: str) -> None:
        """End a key."""
        self._call("DELETE", f"keys/{key_id}")


class DatabaseKeyStore:
    """Writes to the coordinator's database; a running one notices within a second."""

    CAUSE = "cli"

    def list(self) -> list[Json]:
        """Return all keys, newest first."""
        from cluster.api.serializers.keys import KeyOutput
        from cluster.services.keys import list_keys

        return [dict(shown) for shown in KeyOutput(list_keys(), many=True).data]

    def create(self, name: str, role: str, expires_at: str | None) -> Json:
        """Make a key and return it with its secret."""
        from cluster.access import Role
        from cluster.api.serializers.keys import KeyInput
        from cluster.services.keys import create_key

        given = {"name": name, "role": role, "expires_at": expires_at}
        data = _checked(KeyInput(data=given))
        facts = {**data, "role": Role(data["role"])}
        _audit("keys create")
        return _shown(create_key(**facts, created_by=self.CAUSE, now=datetime.now(UTC)))

    def rotate(self, key_id: str, overlap_s: float) -> Json:
        """Give a key a new secret and return it."""
        from cluster.api.serializers.keys import RotationInput
        from cluster.services.keys import rotate_key

        _checked(RotationInput(data={"overlap_seconds": overlap_s}))
        _audit(f"keys rotate {key_id}")
        return _shown(
            rotate_key(
                key_id=UUID(key_id),
                now=datetime.now(UTC),
                cause=self.CAUSE,
                overlap_s=overlap_s,
            )
        )

    def revoke(self, key_id: str) -> None:
        """End a key."""
        from cluster.services.keys import revoke_key

        _audit(f"keys revoke {key_id}")
        revoke_key(key_id=UUID(key_id), now=datetime.now(UTC), cause=self.CAUSE)


def find_key(keys: list[Json], selector: str) -> Json:
    """Return the key with this id, prefix or name; CallError unless it is one key.

    A revoked key is found by its id or prefix only.
    """
    exact = [key for key in keys if selector in {key["id"], key["prefix"]}]
    named = [
        key for key in keys if key["name"] == selector and key["status"] != "revoked"
    ]
    found = exact or named
    if len(found) == 1:
        return found[0]
    if not found:
        raise CallError(f"there is no key '{selector}' (`varpulis keys list`)")
    prefixes = ", ".join(key["prefix"] for key in found)
    raise CallError(f"several keys are called '{selector}': say which of {prefixes}")


def _audit(command: str) -> None:
    """Write down what is about to be done, and by which user of this machine."""
    from cluster.services.audit import AuditedCall, record_call

    call = AuditedCall(
        who=f"cli:{getpass.getuser()}",
        role="admin",
        method="CLI",
        path=command,
        operation=" ".join(command.split()[:2]),
        request_id="",
        peer="",
        status=0,
        duration_ms=0.0,
    )
    record_call(call=call, now=datetime.now(UTC))


def _checked(serializer: Any) -> Mapping[str, Any]:
    if not serializer.is_valid():
        field, faults = next(iter(serializer.errors.items()))
        raise CallError(f"{field}: {faults[0]}", USAGE)
    data: Mapping[str, Any] = serializer.validated_data
    return data


def _shown(made: tuple[Any, str]) -> Json:
    from cluster.api.serializers.keys import NewKeyOutput

    key, secret = made
    return dict(NewKeyOutput(key, context={"secret": secret}).data)
