"""Read from a request what a worker shows to join (api.md section 2)."""

from collections.abc import Mapping

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from cluster.access import Role, is_open_to_all, role_of_key
from cluster.api.authentication import (
    Caller,
    CookieAuthentication,
    presented_key,
)
from cluster.exceptions import ClusterError
from cluster.joining import (
    FORWARDING_HEADERS,
    JoinAttempt,
    is_direct_peer,
    judge_credentials,
)

JOIN_TOKEN_HEADER = "X-Join-Token"  # noqa: S105 - a header's name


class JoinAuthentication(BaseAuthentication):
    """Lets only callers pass that may join; all the rest is 401 or 403."""

    def authenticate(self, request: Request) -> tuple[Caller, bool]:
        """Return the caller, and whether it showed a credential of the coordinator."""
        attempt = read_attempt(request)
        body_key = _body_key(request) if attempt.needs_own_key else None
        has_credential = judge_credentials(attempt, body_key=body_key)
        name = attempt.role.value if attempt.role else "joining worker"
        return Caller(attempt.role or Role.WORKER, name), has_credential

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of the API."""
        return "ApiKey"


def read_attempt(request: Request) -> JoinAttempt:
    """Return what the caller showed, the body left aside."""
    key = presented_key(request)
    return JoinAttempt(
        role=_role(request, key),
        key=key,
        join_token=request.headers.get(JOIN_TOKEN_HEADER, "").strip(),
        came_directly=is_direct_peer(
            request.META.get("REMOTE_ADDR", ""),
            [request.headers.get(name) for name in FORWARDING_HEADERS],
        ),
    )


def _role(request: Request, key: str) -> Role | None:
    if is_open_to_all():
        return Role.ADMIN
    if key:
        return role_of_key(key)
    found = CookieAuthentication().authenticate(request)
    return found[0].role if found else None


def _body_key(request: Request) -> str | None:
    """Return the worker's own key as the body tells it, None if it cannot be read."""
    try:
        data = request.data
    except (ClusterError, APIException):
        return None
    key = data.get("api_key") if isinstance(data, Mapping) else None
    return key if isinstance(key, str) else None
