"""Calls to workers from the event loop, on pooled connections."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

from cluster import conf
from cluster.exceptions import (
    WorkerAnswerError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.hot.worker_connection import (
    LARGEST_ANSWER,
    AnswerTooLargeError,
    WorkerConnection,
    WorkerReply,
)
from cluster.routing_snapshot import RoutedPlacement

# Shorter than the time after which uvicorn closes an idle connection (5 s), so that no
# event is written into a connection that the worker is just closing.
IDLE_CONNECTION_S = 4.0
# The worker should answer "not complete" before the coordinator gives up.
ANSWER_MARGIN_S = 0.25
LEAST_BUDGET_MS = 1
KNOWN_WORKERS = 4096  # remembered addresses
KNOWN_CALLS = 16_384  # remembered request heads
PORTS = {"http": 80, "https": 443}
ENDS_A_HEADER = frozenset("\r\n\0")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment (monotonic seconds) at which a call is given up."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def left_s(self) -> float:
        """Return the seconds left, 0 when it has passed."""
        return max(0.0, self.at_s - time.monotonic())


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to a pipeline: `call` is `events` or `events-batch`, with query."""

    call: str
    body: bytes
    media_type: str
    deadline: Deadline


class WorkerSocket(NamedTuple):
    """Where to connect, the Host header, and the name asked of TLS (None: no TLS)."""

    host: str
    port: int
    authority: str
    tls_name: str | None


class ConnectTimeoutError(Exception):
    """The worker did not take the connection in time."""


class UnsendableError(Exception):
    """A value holds characters that would end its header."""


class WorkerSession:
    """The connections to all workers; redirects and proxies are never followed.

    Raises WorkerUnreachableError for a refused or broken connection and
    WorkerTimeoutError when the deadline passes. An answer of any status is returned.
    """

    def __init__(self) -> None:
        """Make nothing yet: connections belong to a running loop."""
        self._idle: dict[WorkerSocket, list[WorkerConnection]] = {}
        self._busy: set[WorkerConnection] = set()
        self._pruning: asyncio.TimerHandle | None = None
        self._started = False

    async def start(self) -> None:
        """Open the pool."""
        self._started = True
        self._prune()

    async def stop(self) -> None:
        """Close all connections."""
        self._started = False
        if self._pruning is not None:
            self._pruning.cancel()
        for connection in chain(self._busy, *self._idle.values()):
            connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # lets the transports close

    async def post(self, placement: RoutedPlacement, letter: Letter) -> WorkerReply:
        """Return status and body of the worker's answer."""
        if not self._started:
            raise RuntimeError("the worker session has not been started")
        place = _socket(placement.address or "", placement.pinned_host)
        try:
            request = _request(placement, place, letter)
            connection = self._take(place) or await _connect(place, letter.deadline)
            return await self._ask(place, connection, request, letter.deadline)
        except (TimeoutError, ConnectTimeoutError) as error:
            raise _no_answer(placement, error) from error
        except AnswerTooLargeError as error:
            raise _too_large(placement) from error
        except UnsendableError as error:
            raise _unsendable(placement) from error
        except OSError as error:
            raise unreachable(placement) from error

    async def _ask(
        self,
        place: WorkerSocket,
        connection: WorkerConnection,
        request: bytes,
        deadline: Deadline,
    ) -> WorkerReply:
        self._busy.add(connection)
        try:
            return await connection.ask(request, timeout_s=deadline.left_s())
        finally:
            self._busy.discard(connection)
            if connection.is_reusable and self._started:
                connection.idle_since_s = time.monotonic()
                self._idle.setdefault(place, []).append(connection)
            else:
                connection.close()

    def _take(self, place: WorkerSocket) -> WorkerConnection | None:
        """Return the connection used last, if one can still be used."""
        idle = self._idle.get(place)
        oldest_s = time.monotonic() - IDLE_CONNECTION_S
        while idle:
            connection = idle.pop()
            if connection.is_reusable and connection.idle_since_s >= oldest_s:
                return connection
            connection.close()
        return None

    def _prune(self) -> None:
        """Close what has been idle too long, now and again later."""
        oldest_s = time.monotonic() - IDLE_CONNECTION_S
        for place, idle in list(self._idle.items()):
            kept = [c for c in idle if c.is_reusable and c.idle_since_s >= oldest_s]
            for connection in set(idle).difference(kept):
                connection.close()
            self._idle[place] = kept
            if not kept:
                del self._idle[place]
        loop = asyncio.get_running_loop()
        self._pruning = loop.call_later(IDLE_CONNECTION_S, self._prune)


@lru_cache(maxsize=KNOWN_WORKERS)
def _socket(address: str, pinned_host: str) -> WorkerSocket:
    parts = urlsplit(address)
    return WorkerSocket(
        host=pinned_host or parts.hostname or "",
        port=parts.port or PORTS.get(parts.scheme, 0),
        authority=parts.netloc,
        tls_name=parts.hostname if parts.scheme == "https" else None,
    )


async def _connect(place: WorkerSocket, deadline: Deadline) -> WorkerConnection:
    """Return a new connection; one that is not taken in time was never used."""
    limit_s = conf.current().connect_timeout
    try:
        async with asyncio.timeout(min(limit_s, deadline.left_s())):
            _, connection = await asyncio.get_running_loop().create_connection(
                WorkerConnection,
                place.host,
                place.port,
                ssl=_tls() if place.tls_name else None,
                server_hostname=place.tls_name,
            )
    except TimeoutError as error:
        if deadline.left_s():
            raise ConnectTimeoutError from error
        raise
    return connection


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the trust of this machine; made when the first https worker is called."""
    return ssl.create_default_context()


def _request(placement: RoutedPlacement, place: WorkerSocket, letter: Letter) -> bytes:
    head = _head(
        f"{quote(placement.pipeline_id)}/{letter.call}",
        place.authority,
        letter.media_type,
        placement.api_key,
    )
    budget_ms = int((letter.deadline.left_s() - ANSWER_MARGIN_S) * 1000)
    return b"%b%d\r\nContent-Length: %d\r\n\r\n%b" % (
        head,
        max(LEAST_BUDGET_MS, budget_ms),
        len(letter.body),
        letter.body,
    )


@lru_cache(maxsize=KNOWN_CALLS)
def _head(call: str, host: str, media_type: str, api_key: str) -> bytes:
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


def unreachable(placement: RoutedPlacement) -> WorkerUnreachableError:
    """Return 502 for a connection that was refused or broke."""
    return WorkerUnreachableError(
        f"worker '{placement.worker_id}' cannot be reached at {placement.address};"
        f" its pipeline '{placement.pipeline_name}' moves when it stays silent",
        details={"worker_id": placement.worker_id},
    )


def _no_answer(
    placement: RoutedPlacement, error: Exception
) -> WorkerUnreachableError | WorkerTimeoutError:
    if isinstance(error, ConnectTimeoutError):
        return unreachable(placement)
    limit = conf.current().http_timeout
    return WorkerTimeoutError(
        f"worker '{placement.worker_id}' did not answer within {limit:g} s;"
        " the event may have been processed",
        details={"worker_id": placement.worker_id},
    )


def _too_large(placement: RoutedPlacement) -> WorkerAnswerError:
    return WorkerAnswerError(
        f"worker '{placement.worker_id}' answered more than {LARGEST_ANSWER} bytes",
        details={"worker_id": placement.worker_id},
    )


def _unsendable(placement: RoutedPlacement) -> WorkerAnswerError:
    return WorkerAnswerError(
        f"the key of worker '{placement.worker_id}' has line breaks or null"
        " characters, so that no call can carry it; register it with another key",
        details={"worker_id": placement.worker_id},
    )
