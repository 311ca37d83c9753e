"""Who may open a WebSocket: key or login, and a page of our own (api.md section 8)."""

import base64
import binascii
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from cluster.access import Role, is_open_to_all, role_of_key
from cluster.hot.protocol import Scope
from cluster.login import open_session, role_of_session

KEY_PREFIX = "varpulis.key."


def header(scope: Scope, name: bytes) -> str:
    """Return a header of the handshake as text, empty if it was not sent."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def is_from_here(scope: Scope) -> bool:
    """Tell whether the page that connects is ours; programs send no Origin.

    A cookie goes with every connection a browser makes to us, whatever page asked for
    it, so a foreign page must not get through. Another port is another origin.
    """
    host = header(scope, b"host")
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        return False
    origin = header(scope, b"origin")
    if not origin:
        return True
    listed = {*settings.CSRF_TRUSTED_ORIGINS, *settings.CORS_ORIGINS}
    return urlsplit(origin).netloc.lower() == host.lower() or origin in listed


def presented_key(scope: Scope) -> str:
    """Return the key of a handshake: X-API-Key, or the subprotocol that carries one."""
    key = header(scope, b"x-api-key").strip()
    if key:
        return key
    for word in scope.get("subprotocols", []):
        if word.startswith(KEY_PREFIX):
            return _decoded(word.removeprefix(KEY_PREFIX))
    return ""


def chosen_subprotocol(scope: Scope) -> str | None:
    """Return the subprotocol to answer with; browsers insist on one they offered."""
    offered: list[str] = scope.get("subprotocols", [])
    plain = [word for word in offered if not word.startswith(KEY_PREFIX)]
    return next(iter([*plain, *offered]), None)


async def role_of_handshake(scope: Scope) -> Role | None:
    """Return the role of whoever connects, None for nobody we know.

    A key in the query would end up in logs; it is not looked at.
    """
    if is_open_to_all():
        return Role.ADMIN
    key = presented_key(scope)
    if key:
        return role_of_key(key)
    session_key = _cookie(scope, settings.SESSION_COOKIE_NAME)
    if not session_key:
        return None
    role: Role | None = await database_sync_to_async(_role_of_cookie)(session_key)
    return role


def _role_of_cookie(session_key: str) -> Role | None:
    return role_of_session(open_session(session_key))


def _cookie(scope: Scope, name: str) -> str:
    try:
        morsel = SimpleCookie(header(scope, b"cookie")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _decoded(text: str) -> str:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.urlsafe_b64decode(padded).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
