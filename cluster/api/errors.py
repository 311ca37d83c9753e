"""One error shape for everything that goes wrong below /api/ (api.md section 3)."""

import logging
import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from cluster.exceptions import BadRequestError, ClusterError

logger = logging.getLogger("varpulis_cluster")

CODES = {
    400: "bad_request",
    401: "missing_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}
DATABASE_FAULTS = (InterfaceError, OperationalError)
"""What is raised while the database is away, or busy for too long."""
DATABASE_RETRY_S = 5
NO_DATABASE = {
    "error": "the database does not answer just now; try again",
    "code": "not_ready",
}


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Turn any exception of a view into an answer; a bug is logged and becomes 500."""
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        exc = field_errors(exc.detail)
    if isinstance(exc, ClusterError):
        status, body = exc.error_status, exc.to_json()
        if exc.retry_after_s is not None:
            headers["Retry-After"] = str(math.ceil(exc.retry_after_s))
    elif isinstance(exc, exceptions.APIException | Http404 | PermissionDenied):
        status, body, headers = _of_framework(exc)
    elif isinstance(exc, DATABASE_FAULTS):
        logger.error("The database does not answer: %s", exc)
        status, body = HTTPStatus.SERVICE_UNAVAILABLE, NO_DATABASE
        headers["Retry-After"] = str(DATABASE_RETRY_S)
    else:
        status, body = HTTPStatus.INTERNAL_SERVER_ERROR, _bug(exc, context)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "ApiKey"
    return Response(body, status=status, headers=headers)


def field_errors(detail: Any) -> BadRequestError:
    """Return the 400 that names every field which is missing or wrong."""
    errors = [{"path": path, "message": text} for path, text in _flat(detail, "")]
    first = errors[0] if errors else {"path": "", "message": "the body is not usable"}
    where = f"{first['path']}: " if first["path"] else ""
    return BadRequestError(f"{where}{first['message']}", errors)


def _flat(detail: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from _flat(value, _join(path, key))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list)
            yield from _flat(value, f"{path}[{index}]" if nested else path)
    else:
        yield path, str(detail)


def _join(path: str, key: object) -> str:
    if key == "non_field_errors":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _of_framework(
    exc: Exception,
) -> tuple[int, dict[str, Any], dict[str, str]]:
    if isinstance(exc, exceptions.MethodNotAllowed):
        return 405, {"error": str(exc.detail), "code": CODES[405]}, {}
    if isinstance(exc, exceptions.NotAuthenticated):
        text = "an API key is needed: send it in the header X-API-Key"
        return 401, {"error": text, "code": CODES[401]}, {}
    if isinstance(exc, exceptions.APIException):
        status = exc.status_code
        code = CODES.get(status, "internal" if status >= 500 else "bad_request")
        return status, {"error": str(exc.detail), "code": code}, {}
    if isinstance(exc, PermissionDenied):
        return 403, {"error": "this is not allowed to you", "code": CODES[403]}, {}
    return 404, {"error": "there is nothing here", "code": CODES[404]}, {}


def _bug(exc: Exception, context: Mapping[str, Any]) -> dict[str, Any]:
    request_id = getattr(context.get("view"), "request_id", "")
    logger.error("Request %s failed", request_id, exc_info=exc)
    return {
        "error": f"something broke here; the log has it under request {request_id}",
        "code": "internal",
        "details": {"request_id": request_id},
    }
