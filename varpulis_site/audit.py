"""Writes down every call that may change something (api.md section 2)."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from cluster.login import role_of_session
from cluster.services.audit import AuditedCall, record_call

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Ends of paths that only look, or come by the thousand and change nothing that a
# person decided.
LEFT_OUT = ("/validate", "/heartbeat", "/inject", "/inject-batch")


class AuditMiddleware:
    """Notes the call once it is answered, refused ones too; never its body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then write."""
        if request.method not in MUTATING:
            return self._get_response(request)
        started = time.perf_counter()
        response = self._get_response(request)
        took_ms = (time.perf_counter() - started) * 1000
        match = request.resolver_match
        route = f"/{match.route}".removesuffix("/") if match else ""
        if response.status_code != HTTPStatus.UNAUTHORIZED and not route.endswith(
            LEFT_OUT
        ):
            _record(request, response, route, took_ms)
        return response


def _record(
    request: HttpRequest, response: HttpResponse, route: str, took_ms: float
) -> None:
    caller = getattr(request, "user", None)
    known = getattr(caller, "is_authenticated", False)
    session = getattr(request, "session", None)
    role = getattr(caller, "role", None)
    if role is None and session is not None:
        role = role_of_session(session)
    if not (known or role):
        return  # strangers change nothing, and must not be able to fill the database
    call = AuditedCall(
        who=str(caller) if known else "",
        role=str(role or ""),
        method=str(request.method),
        path=request.path,
        operation=route,
        request_id=response.headers.get("X-Request-Id", ""),
        peer=request.META.get("REMOTE_ADDR", ""),
        status=response.status_code,
        duration_ms=took_ms,
    )
    record_call(call=call, now=datetime.now(UTC))
