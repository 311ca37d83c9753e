"""Who may do what: roles, and the keys and users that give them (api.md section 2)."""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cluster import conf
from cluster.key_ring import MARK, RING
from cluster.secrets import equal_keys

RANKS = {"viewer": 1, "operator": 2, "admin": 3}


class Role(StrEnum):
    """What a caller may do; `worker` stands apart from the other three."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    WORKER = "worker"

    def allows(self, required: "Role") -> bool:
        """Tell whether this role includes `required`."""
        if Role.WORKER in {self, required}:
            return self is required
        return RANKS[self] >= RANKS[required]


WORKER_CALLERS = frozenset({Role.WORKER, Role.OPERATOR, Role.ADMIN})


class GroupMember(Protocol):
    """The part of a Django user that roles are read from."""

    is_active: bool
    is_superuser: bool
    groups: "GroupNames"


class GroupNames(Protocol):
    """The names of the Django groups of a user."""

    def values_list(self, name: str, /, *, flat: bool) -> "list[str]":
        """Return the values of one column."""


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whom a key stands for, as histories name it, and what it allows."""

    role: Role
    name: str


BOOTSTRAP = KeyOwner(Role.ADMIN, "key:bootstrap")


def is_open_to_all() -> bool:
    """Tell whether there is no key at all, so that every caller is an admin."""
    return conf.current().is_auth_disabled and not RING


def owner_of_key(presented: str) -> KeyOwner | None:
    """Return the owner of a coordinator key, None if it is none of ours."""
    expected = conf.current().api_key
    if expected and equal_keys(presented, expected):
        return BOOTSTRAP
    key = RING.find(presented, time.time())
    return KeyOwner(Role(key.role), f"key:{MARK}_{key.prefix}") if key else None


def role_of_key(presented: str) -> Role | None:
    """Return the role of a coordinator key, None if it is none of ours."""
    owner = owner_of_key(presented)
    return owner.role if owner else None


def is_join_token(presented: str) -> bool:
    """Tell whether the text is one of the join tokens; all are compared."""
    tokens = conf.current().join_tokens
    return any([equal_keys(presented, token) for token in tokens])  # noqa: C419 - no early end: time must not tell which token matched


def role_of_user(user: GroupMember) -> Role | None:
    """Return the highest role of a Django user, None for one without any."""
    if not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMIN
    names = set(user.groups.values_list("name", flat=True))
    held = [role for role in RANKS if role in names]
    return Role(max(held, key=RANKS.__getitem__)) if held else None
