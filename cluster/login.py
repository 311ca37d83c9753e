"""Sign-in of browsers: as a Django user, or with an API key typed on the login page.

Of a key the session keeps only a keyed hash, and the key is looked for again at every
use, so that a key that was changed ends the sessions opened with it.
"""

import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from cluster import conf
from cluster.access import Role, role_of_key, role_of_user
from cluster.key_ring import RING, prefix_of
from cluster.secrets import hash_key, matches_hash

KEY_HASH = "varpulis_key_hash"
KEY_PREFIX = "varpulis_key_prefix"  # of a stored key


def sign_in_with_key(session: SessionBase, key: str) -> Role | None:
    """Open a session for the owner of a coordinator key; None if it is not known.

    The session gets a new id, so that one planted before the sign-in is worth nothing.
    """
    role = role_of_key(key)
    if role is not None:
        session.cycle_key()
        session[KEY_HASH] = hash_key(key)
        session[KEY_PREFIX] = prefix_of(key)
    return role


def role_of_session(session: SessionBase) -> Role | None:
    """Return the role of whoever signed in, None if nobody did or it ended."""
    kept = session.get(KEY_HASH)
    if isinstance(kept, str):
        return _role_of_kept(kept, session.get(KEY_PREFIX))
    return _role_of_user(session)


def open_session(session_key: str) -> SessionBase:
    """Return the session behind a cookie; an unknown one is empty."""
    engine = import_module(settings.SESSION_ENGINE)
    session: SessionBase = engine.SessionStore(session_key)
    return session


def _role_of_kept(key_hash: str, prefix: object) -> Role | None:
    key = conf.current().api_key
    if key and matches_hash(key, key_hash):
        return role_of_key(key)
    stored = RING.find_hash(str(prefix), key_hash, time.time()) if prefix else None
    return Role(stored.role) if stored else None


def _role_of_user(session: SessionBase) -> Role | None:
    """Read the user as `django.contrib.auth` does, without a request."""
    users: Any = get_user_model()
    try:
        user = users.objects.filter(pk=session[SESSION_KEY]).first()
    except (KeyError, ValueError, ValidationError):
        return None
    if user is None or not constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    ):
        return None
    return role_of_user(user)
