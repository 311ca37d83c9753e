"""Answers of the hot path."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cluster.exceptions import ClusterError
from cluster.hot.protocol import Send

JSON_TYPE = b"application/json"
encode = msgspec.json.Encoder().encode


class MethodNotAllowedError(ClusterError):
    """The path is right, the method is not."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, allowed: str, used: str) -> None:
        """Name what the path answers to."""
        super().__init__(f"{used} is not allowed here, only {allowed}")
        self.allowed = allowed


@dataclass(slots=True)
class Answer:
    """Status, body (JSON unless it says otherwise) and the headers beyond the usual."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content_type: bytes = JSON_TYPE

    def all_headers(self, request_id: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer to a request."""
        return [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            (b"x-request-id", request_id.encode("ascii")),
            *self.headers,
        ]

    async def send(self, send: Send, request_id: str) -> None:
        """Put the answer on the wire."""
        await send({
            "type": "http.response.start",
            "status": self.status,
            "headers": self.all_headers(request_id),
        })
        await send({"type": "http.response.body", "body": self.body})


Reply = Callable[[Answer, str], None]
"""Takes the answer to a request and the request's id."""


def ok(value: Any) -> Answer:
    """Return 200 with `value` as JSON."""
    return Answer(200, encode(value))


def of_error(error: ClusterError) -> Answer:
    """Return the answer that an error means."""
    answer = Answer(error.error_status, encode(error.to_json()))
    if error.error_status == 401:
        answer.headers.append((b"www-authenticate", b"ApiKey"))
    if isinstance(error, MethodNotAllowedError):
        answer.headers.append((b"allow", error.allowed.encode("ascii")))
    if error.retry_after_s is not None:
        answer.headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after_s)))
    return answer


def internal_error(request_id: str) -> Answer:
    """Return 500 for a bug; the log has the rest under the request id."""
    body = {
        "error": "something broke in the coordinator; its log has the reason",
        "code": "internal",
        "details": {"request_id": request_id},
    }
    return Answer(500, encode(body))
