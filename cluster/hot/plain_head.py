"""The heads of plain calls, read once for all requests that begin alike.

Callers send one head again and again; only the length of the body differs now and
then. So a head is parsed when it is new and looked up afterwards, which is far cheaper
than parsing it and building an ASGI scope.
"""

import re
from dataclasses import dataclass

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from cluster.hot.caller import presented_key
from cluster.hot.protocol import Message, Scope
from cluster.hot.request import HotRequest

START = b"POST /api/v1/cluster/"
INJECT = "inject"
INJECT_BATCH = "inject-batch"
HEARTBEAT = "heartbeat"

LONGEST_HEAD = 2048  # bytes; no client of ours needs more
KNOWN_HEADS = 4096  # remembered at most: each worker has one of its own
LARGEST_BODIES = {
    INJECT: 1024 * 1024,
    INJECT_BATCH: 16 * 1024 * 1024,
    HEARTBEAT: 1024 * 1024,
}  # bytes; beyond them the long way refuses

_REQUEST_LINE = re.compile(
    rb"POST (/api/v1/cluster/(?:pipeline-groups/([0-9a-f-]{36})/(inject|inject-batch)"
    rb"|workers/([A-Za-z0-9][A-Za-z0-9._:-]{0,127})/(heartbeat)))"
    rb"(?:\?([!-~]*))? HTTP/1\.1\r\n"
)
_LENGTH = re.compile(rb"\d{1,8}")
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


@dataclass(frozen=True, slots=True, eq=False)
class PlainHead:
    """What a plain call says before its body of `length` bytes; equal only to itself.

    `call` is one of the three above, `target` the id of the group or worker. `key`,
    `media_type` and `sent_id`, the request id, are empty if they were not sent.
    """

    call: str
    target: str
    length: int
    scope: Scope
    host: str
    key: str
    media_type: str
    sent_id: str


class PlainHeads:
    """Reads heads and remembers them; those with a request id of their own are not."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[bytes, PlainHead] = {}

    def read(self, raw: bytes) -> PlainHead | None:
        """Return what a head with its blank line says; None: it is not plain."""
        found = self._known.get(raw)
        if found is None:
            found = _parse(raw)
            if found is not None and not found.sent_id:
                if len(self._known) >= KNOWN_HEADS:
                    self._known.clear()
                self._known[raw] = found
        return found


class _Collector:
    """Takes what the parser of the server itself finds in a head."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def _parse(raw: bytes) -> PlainHead | None:
    line = _REQUEST_LINE.match(raw)
    if line is None or len(raw) > LONGEST_HEAD:
        return None
    found = _Collector()
    try:
        HttpRequestParser(found).feed_data(raw)
    except (HttpParserError, HttpParserUpgrade):
        return None
    if not found.is_complete or not _are_plain(found.headers):
        return None
    return _head(line, found.headers)


def _are_plain(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether every header is known, sent once, and means nothing unusual."""
    by_name = dict(headers)
    return (
        len(headers) == len(by_name)
        and by_name.keys() <= _PLAIN_HEADERS
        and by_name.get(b"connection", b"keep-alive").lower() == b"keep-alive"
        and _LENGTH.fullmatch(by_name.get(b"content-length", b"")) is not None
    )


def _head(
    line: re.Match[bytes], headers: list[tuple[bytes, bytes]]
) -> PlainHead | None:
    path, group, inject, worker, heartbeat, query = line.groups()
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path.decode("ascii"),
        "query_string": query or b"",
        "headers": headers,
    }
    request = HotRequest(scope, no_body)
    call = (inject or heartbeat).decode("ascii")
    length = int(request.header(b"content-length"))
    if not 0 < length <= LARGEST_BODIES[call]:
        return None
    return PlainHead(
        call=call,
        target=(group or worker).decode("ascii"),
        length=length,
        scope=scope,
        host=request.header(b"host"),
        key=presented_key(request),
        media_type=request.sent_media_type,
        sent_id=request.header(b"x-request-id"),
    )


async def no_body() -> Message:
    """Stand for the body of a request of which only the head is read."""
    raise AssertionError("only the head is read")
