"""The one shape of errors a worker answers (api.md section 3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from vpl import Diagnostic


class ApiError(Exception):
    """A request that is answered with an error.

    `message` is a sentence for people, `code` the stable slug, `details` what a
    program may want to know; `close` ends the connection after the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {}) | ({"connection": "close"} if close else {})

    def response(self) -> Response:
        """Return the answer."""
        body: dict[str, Any] = {"error": self.message, "code": self.code}
        if self.details:
            body["details"] = self.details
        return Response(
            msgspec.json.encode(body),
            self.status,
            self.headers,
            media_type="application/json",
        )


def bad_request(message: str, path: str = "", *, close: bool = False) -> ApiError:
    """Return 400 for a value that is missing or wrong; `path` names the field."""
    details = {"errors": [{"path": path, "message": message}]} if path else None
    return ApiError(400, "bad_request", message, details=details, close=close)


def pipeline_not_found(pipeline_id: str) -> ApiError:
    """Return 404 for a pipeline that does not run here."""
    return ApiError(
        404, "pipeline_not_found", f"no pipeline {pipeline_id!r} on this worker"
    )


def queue_full(message: str, **details: Any) -> ApiError:
    """Return 429 for events that found no room; `details` say what was taken."""
    return ApiError(
        429,
        "queue_full",
        f"{message}: send more slowly",
        details={"retry_after_seconds": 1, **details},
        headers={"retry-after": "1"},
    )


def stopping() -> ApiError:
    """Return 503 for work that arrives while the worker stops."""
    return ApiError(
        503,
        "not_ready",
        "this worker is stopping and takes nothing new",
        details={"retry_after_seconds": 5},
        headers={"retry-after": "5"},
    )


def internal(request_id: str) -> ApiError:
    """Return 500 for what nobody foresaw; the log has it under the same id."""
    message = "the worker failed to answer; its log says why"
    return ApiError(500, "internal", message, details={"request_id": request_id})


def broken_program(diagnostics: Sequence[Diagnostic], *, status: int = 400) -> ApiError:
    """Return the error for a program that does not parse or does not check.

    Syntax errors have codes from E100 on (vpl.md section 15).
    """
    found = [item for item in diagnostics if item.severity == "error"]
    syntax = any(item.code.startswith("E1") for item in found)
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return ApiError(
        status,
        "parse_error" if syntax else "invalid_vpl",
        f"line {first.span.line}: {first.message}{more}",
        details={"diagnostics": [diagnostic_json(item) for item in diagnostics]},
    )


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic in the HTTP form (api.md section 3).

    The end of the span is flat here and nested in `vpl`'s own form; callers get
    both.
    """
    body = diagnostic.to_json()
    body["end_line"] = diagnostic.span.end_line
    body["end_column"] = diagnostic.span.end_column
    return body
