"""JSON answers."""

from typing import Any

from starlette.responses import Response

from engine.encoding import encode

_CONTENT_TYPE = (b"content-type", b"application/json")


class JsonBytes(Response):
    """Bytes that are JSON already; made with less ado than a general response."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _CONTENT_TYPE]


def json_response(body: Any, status: int = 200) -> Response:
    """Return `body` as JSON."""
    return JsonBytes(encode(body), status)


def raw_json(body: bytes, status: int = 200) -> Response:
    """Return bytes that are JSON already."""
    return JsonBytes(body, status)
