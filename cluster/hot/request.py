"""A request of the hot path, read straight from ASGI."""

import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from cluster.exceptions import (
    BadRequestError,
    BodyTooLargeError,
    UnsupportedMediaTypeError,
)
from cluster.hot.protocol import Receive, Scope

# Ids need to be unique, not secret: a counter costs a tenth of a random number.
_PROCESS = secrets.token_hex(6)
_numbers = count(1)
KNOWN_QUERIES = 256  # remembered query strings
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class ClientGoneError(Exception):
    """The caller closed the connection before the body was complete."""


class HotRequest:
    """Headers are looked up once, the body is read only when asked for."""

    __slots__ = ("_receive", "headers", "method", "path", "request_id", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Keep the connection; of a repeated header the first counts."""
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive = receive
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.request_id = choose_request_id(self.header(b"x-request-id"))

    def header(self, name: bytes) -> str:
        """Return a header as text, empty when it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def cookie(self, name: str) -> str:
        """Return a cookie, empty when it was not sent."""
        if b"cookie" not in self.headers:
            return ""
        try:
            morsel = SimpleCookie(self.header(b"cookie")).get(name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def query(self, name: str, default: str = "") -> str:
        """Return a query parameter; the last one counts."""
        raw: bytes = self.scope.get("query_string", b"")
        if not raw:
            return default
        found = _parameters(raw).get(name)
        return found[-1] if found else default

    def flag(self, name: str) -> bool:
        """Return a query parameter that is `true` or `false` (400 otherwise)."""
        word = self.query(name, "false").lower()
        if word in {"true", "1", "yes", ""}:
            return True
        if word in {"false", "0", "no"}:
            return False
        raise bad_query(name, f"must be true or false, not {word!r}")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return a query parameter that is one of `allowed` (400 otherwise)."""
        word = self.query(name, default)
        if word not in allowed:
            raise bad_query(name, f"must be one of {', '.join(allowed)}, not {word!r}")
        return word

    def whole_number(self, name: str, default: int, most: int) -> int:
        """Return a query parameter that is a number from 0 to `most`."""
        word = self.query(name, str(default))
        if word.isascii() and word.isdigit() and int(word) <= most:
            return int(word)
        raise bad_query(name, f"must be a number from 0 to {most}, not {word!r}")

    @property
    def sent_media_type(self) -> str:
        """Return the media type of the body as sent, empty without one."""
        return self.header(b"content-type").partition(";")[0].strip().lower()

    def media_type(self, *allowed: str) -> str:
        """Return the media type of the body, or raise 415.

        A body without one is refused too: a page of another site can send such a
        request without asking, but not one of these types.
        """
        sent = self.sent_media_type
        if sent not in allowed:
            raise UnsupportedMediaTypeError(
                f"the body must be {' or '.join(allowed)}, not {sent or 'untyped'}"
            )
        return sent

    def has_body(self) -> bool:
        """Tell whether the caller announced a body."""
        return (
            self.headers.get(b"content-length", b"0") != b"0"
            or b"transfer-encoding" in self.headers
        )

    async def body(self, limit: int) -> bytes:
        """Return the whole body; more than `limit` bytes are 413."""
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > limit:
            raise too_large(limit)
        message = await self._receive()
        first = _chunk_of(message)
        if not message.get("more_body"):
            if len(first) > limit:
                raise too_large(limit)
            return first
        return await self._rest(first, limit)

    async def _rest(self, first: bytes, limit: int) -> bytes:
        chunks, size, more = [first], len(first), True
        while more:
            message = await self._receive()
            chunk = _chunk_of(message)
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
        return b"".join(chunks)


@lru_cache(maxsize=KNOWN_QUERIES)
def _parameters(raw: bytes) -> Mapping[str, list[str]]:
    """Remembered, because calls ask for several options and repeat their queries."""
    return parse_qs(raw.decode("latin-1"), keep_blank_values=True)


def choose_request_id(sent: str) -> str:
    """Return the id that the caller sent if it is sane, else a new one."""
    if sent and SANE_REQUEST_ID.fullmatch(sent):
        return sent
    return f"{_PROCESS}-{next(_numbers):x}"


def _chunk_of(message: Any) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    chunk: bytes = message.get("body", b"")
    return chunk


def bad_query(name: str, fault: str) -> BadRequestError:
    """Return 400 for a query parameter."""
    return BadRequestError(f"{name} {fault}", [{"path": name, "message": fault}])


def too_large(limit: int) -> BodyTooLargeError:
    """Return 413 that names the limit."""
    size = f"{limit // (1024 * 1024)} MiB"
    return BodyTooLargeError(
        f"the body is larger than the {size} this call takes",
        details={"limit_bytes": limit},
    )
