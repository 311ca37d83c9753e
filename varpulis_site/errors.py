"""Answers to requests that no view takes: a page for browsers, JSON for the rest."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cluster.api.errors import DATABASE_FAULTS, DATABASE_RETRY_S, NO_DATABASE

API_PREFIX = "/api/"
PAGE = "text/html"


def _answer(
    request: HttpRequest, status: int, code: str, sentence: str
) -> HttpResponse:
    if request.path.startswith(API_PREFIX) or PAGE not in _accepted(request):
        return JsonResponse({"error": sentence, "code": code}, status=status)
    context = {"status": status, "sentence": sentence}
    return render(request, "cluster/error.html", context, status=status)


def _accepted(request: HttpRequest) -> str:
    return request.headers.get("Accept", "")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404 `not_found`."""
    return _answer(request, 404, "not_found", f"there is nothing at {request.path}")


def bad_request(
    request: HttpRequest, exception: Exception | None = None
) -> HttpResponse:
    """Answer 400 `bad_request`; most often the Host name is not one of ours."""
    return _answer(
        request,
        400,
        "bad_request",
        "this request cannot be answered; if the host name is new,"
        " list it in VARPULIS_ALLOWED_HOSTS",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403 `forbidden`."""
    return _answer(request, 403, "forbidden", "this is not allowed to you")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 `csrf_failed`."""
    return _answer(
        request,
        403,
        "csrf_failed",
        "the form is too old or came from another site; load the page again",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 `internal`, or 503 `not_ready` without a database; the log says more."""
    if isinstance(sys.exception(), DATABASE_FAULTS):
        response = _answer(request, 503, NO_DATABASE["code"], NO_DATABASE["error"])
        response.headers["Retry-After"] = str(DATABASE_RETRY_S)
        return response
    return _answer(request, 500, "internal", "something broke here; the log says what")
