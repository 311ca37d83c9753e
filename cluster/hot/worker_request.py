"""Requests to workers as they go over the wire, and where they go."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from cluster.routing_snapshot import RoutedPlacement

# The worker should answer "not complete" before the coordinator gives up.
ANSWER_MARGIN_S = 0.25
LEAST_BUDGET_MS = 1
KNOWN_WORKERS = 4096  # remembered addresses
KNOWN_CALLS = 16_384  # remembered request heads
PORTS = {"http": 80, "https": 443}
ENDS_A_HEADER = frozenset("\r\n\0")


class WorkerSocket(NamedTuple):
    """Where to connect, the Host header, and the name asked of TLS (None: no TLS)."""

    host: str
    port: int
    authority: str
    tls_name: str | None


class UnsendableError(Exception):
    """A value holds characters that would end its header."""


@lru_cache(maxsize=KNOWN_WORKERS)
def socket_at(address: str, pinned_host: str) -> WorkerSocket:
    """Return where the worker with this address is called."""
    parts = urlsplit(address)
    return WorkerSocket(
        host=pinned_host or parts.hostname or "",
        port=parts.port or PORTS.get(parts.scheme, 0),
        authority=parts.netloc,
        tls_name=parts.hostname if parts.scheme == "https" else None,
    )


def request_head(
    placement: RoutedPlacement, call: str, media_type: str, left_s: float
) -> bytes:
    """Return a request up to the value of Content-Length.

    `call` is `events` or `events-batch`, with query; `left_s` is the time after which
    the caller gives up. Raises UnsendableError.
    """
    place = socket_at(placement.address or "", placement.pinned_host)
    head = _same_head(
        f"{quote(placement.pipeline_id)}/{call}",
        place.authority,
        media_type,
        placement.api_key,
    )
    budget_ms = int((left_s - ANSWER_MARGIN_S) * 1000)
    budget_ms = max(LEAST_BUDGET_MS, budget_ms)
    return b"%b%d\r\nContent-Length: " % (head, budget_ms)


def with_body(head: bytes, body: bytes) -> bytes:
    """Return the request that begins with `head`."""
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)


@lru_cache(maxsize=KNOWN_CALLS)
def _same_head(call: str, host: str, media_type: str, api_key: str) -> bytes:
    """Return what is the same for all requests of a call, up to the time left."""
    if not ENDS_A_HEADER.isdisjoint(call + host + media_type + api_key):
        raise UnsendableError
    key = f"X-API-Key: {api_key}\r\n" if api_key else ""
    return (
        f"POST /api/v1/pipelines/{call} HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        f"Content-Type: {media_type}\r\n"
        f"{key}X-Varpulis-Timeout-Ms: "
    ).encode()
