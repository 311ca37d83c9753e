"""JSON answers."""

from typing import Any

from starlette.responses import Response

from engine.encoding import encode


def json_response(body: Any, status: int = 200) -> Response:
    """Return `body` as JSON."""
    return raw_json(encode(body), status)


def raw_json(body: bytes, status: int = 200) -> Response:
    """Return bytes that are JSON already."""
    return Response(body, status, media_type="application/json")
