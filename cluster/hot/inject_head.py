"""The heads of inject requests, read once for all requests that begin alike.

Callers send one head again and again; only the length of the body differs now and
then. So a head is parsed when it is new and looked up afterwards, which is far cheaper
than parsing it and building an ASGI scope.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from cluster.exceptions import ClusterError
from cluster.hot.caller import presented_key
from cluster.hot.request import HotRequest

START = b"POST /api/v1/cluster/pipeline-groups/"
LONGEST_HEAD = 2048  # bytes; no client of ours needs more
LARGEST_BODY = 64 * 1024  # bytes; larger ones seldom come in one piece
KNOWN_HEADS = 1024  # remembered at most

_URL = re.compile(rb"/api/v1/cluster/pipeline-groups/([0-9a-f-]{36})/inject")
_LENGTH = re.compile(rb"\d{1,5}")
# What a client of the API sends. A head with any other header goes the long way:
# cookies, origins and what is still to come have their rules there only.
_PLAIN_HEADERS = frozenset({
    b"accept",
    b"accept-encoding",
    b"authorization",
    b"connection",
    b"content-length",
    b"content-type",
    b"host",
    b"user-agent",
    b"x-api-key",
    b"x-request-id",
})


@dataclass(frozen=True, slots=True)
class InjectHead:
    """What a plain inject, one without options, says before its body of `length`.

    `sent_id` is the request id as the caller sent it, empty without one.
    """

    group_id: UUID
    host: str
    key: str
    length: int
    sent_id: str


class InjectHeads:
    """Reads heads and remembers them; those with a request id of their own are not."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[bytes, InjectHead] = {}

    def read(self, raw: bytes) -> InjectHead | None:
        """Return what a head with its blank line says; None: it is not plain."""
        found = self._known.get(raw)
        if found is None:
            found = _parse(raw) if len(raw) <= LONGEST_HEAD else None
            if found is not None and not found.sent_id:
                if len(self._known) >= KNOWN_HEADS:
                    self._known.clear()
                self._known[raw] = found
        return found


class _Collector:
    """Takes what the parser of the server itself finds in a head."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def _parse(raw: bytes) -> InjectHead | None:
    found = _Collector()
    parser = HttpRequestParser(found)
    try:
        parser.feed_data(raw)
    except (HttpParserError, HttpParserUpgrade):
        return None
    headers = dict(found.headers)
    url = _URL.fullmatch(found.url)
    if not found.is_complete or url is None or parser.get_method() != b"POST":
        return None
    if parser.get_http_version() != "1.1" or not _are_plain(found.headers, headers):
        return None
    return _head(url[1], headers)


def _are_plain(sent: list[tuple[bytes, bytes]], headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether every header is known, sent once, and means nothing unusual."""
    return (
        len(sent) == len(headers)
        and headers.keys() <= _PLAIN_HEADERS
        and headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
        and _LENGTH.fullmatch(headers.get(b"content-length", b"")) is not None
    )


def _head(group: bytes, headers: dict[bytes, bytes]) -> InjectHead | None:
    scope = {"method": "POST", "path": "", "headers": list(headers.items())}
    request = HotRequest(scope, _no_body)
    try:
        group_id = UUID(group.decode("ascii"))
        request.media_type("application/json")
    except (ValueError, ClusterError):
        return None
    length = int(headers[b"content-length"])
    if not 0 < length <= LARGEST_BODY:
        return None
    return InjectHead(
        group_id=group_id,
        host=request.header(b"host"),
        key=presented_key(request),
        length=length,
        sent_id=request.header(b"x-request-id"),
    )


async def _no_body() -> dict[str, object]:
    raise AssertionError("a head is read, not its body")
