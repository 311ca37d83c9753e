"""Counts and times every request that Django answers."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from cluster.metrics import SERIES

KNOWN_METHODS = frozenset({
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE",
})  # fmt: skip


class RequestMetricsMiddleware:
    """Labels are the path's pattern and the method, never what a caller made up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer and note how."""
        started = time.perf_counter()
        response = self._get_response(request)
        took_s = time.perf_counter() - started
        match = request.resolver_match
        route = f"/{match.route}" if match and match.route else "unknown"
        method = request.method if request.method in KNOWN_METHODS else "other"
        SERIES.answered(route, str(method), response.status_code, took_s)
        return response
