"""Who calls: the key or the login cookie of a request, and the role it gives.

The rules are those of the API views (api.md section 2); a contract test keeps both
alike.
"""

from functools import lru_cache
from http import HTTPStatus
from io import BytesIO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.csrf import CsrfViewMiddleware

from cluster.access import Role, is_open_to_all, role_of_key
from cluster.exceptions import (
    BadRequestError,
    ClusterError,
    ForbiddenError,
    InvalidKeyError,
    MissingKeyError,
)
from cluster.hot.request import HotRequest
from cluster.login import open_session, role_of_session

SCHEMES = frozenset({"bearer", "apikey"})
KNOWN_HOSTS = 256  # remembered host names


class CsrfFailedError(ClusterError):
    """A call with the login cookie came without the token of our own pages."""

    status = 403
    code = "csrf_failed"


def check_host(request: HotRequest) -> None:
    """Refuse host names that are not ours (400), as Django does for its views."""
    host = request.header(b"host")
    if not is_our_host(host):
        raise BadRequestError(
            f"this coordinator does not answer to the host name {host!r};"
            " list it in VARPULIS_ALLOWED_HOSTS"
        )


def is_our_host(host: str) -> bool:
    """Tell whether this coordinator answers to the value of a Host header."""
    return _is_ours(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=KNOWN_HOSTS)
def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    """Remembered, because callers use the same few names again and again."""
    name, _ = split_domain_port(host)
    return bool(name) and validate_host(name, allowed)


def presented_key(request: HotRequest) -> str:
    """Return the key of the request: X-API-Key, or Authorization Bearer or ApiKey."""
    key = request.header(b"x-api-key")
    if key:
        return key.strip()
    scheme, _, rest = request.header(b"authorization").partition(" ")
    return rest.strip() if scheme.lower() in SCHEMES else ""


async def role_of_caller(request: HotRequest) -> Role:
    """Return the caller's role; no or a wrong key raises 401."""
    if is_open_to_all():
        return Role.ADMIN
    key = presented_key(request)
    if key:
        role = role_of_key(key)
        if role is None:
            raise InvalidKeyError("this API key is not known here")
        return role
    return await _role_of_cookie(request)


def require(role: Role, needed: Role) -> None:
    """Raise 403 unless the role includes the one needed."""
    if not role.allows(needed):
        raise ForbiddenError(
            f"this needs the role {needed}, the key has the role {role}",
            details={"required": str(needed)},
        )


async def _role_of_cookie(request: HotRequest) -> Role:
    missing = MissingKeyError("an API key is needed: send it in the header X-API-Key")
    if not request.cookie(settings.SESSION_COOKIE_NAME):
        raise missing
    role = await sync_to_async(_role_and_csrf)(request)
    if role is None:
        raise missing
    return role


def _role_and_csrf(request: HotRequest) -> Role | None:
    """Ask the session; then hold the call to the CSRF rules of Django's own views."""
    role = role_of_session(open_session(request.cookie(settings.SESSION_COOKIE_NAME)))
    if role is None:
        return None
    from_page = ASGIRequest(request.scope, BytesIO())
    middleware = CsrfViewMiddleware(_unused)
    middleware.process_request(from_page)
    if middleware.process_view(from_page, _unused, (), {}) is not None:
        raise CsrfFailedError(
            "calls with the login cookie need the CSRF token in X-CSRFToken"
        )
    return role


def _unused(request: object) -> HttpResponse:
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
