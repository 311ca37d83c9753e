"""Calls to workers from the event loop, on pooled connections."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Self

from cluster import conf
from cluster.exceptions import (
    WorkerAnswerError,
    WorkerCallError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.hot.worker_connection import (
    LARGEST_ANSWER,
    Answered,
    AnswerTooLargeError,
    WorkerConnection,
    WorkerReply,
)
from cluster.hot.worker_request import (
    UnsendableError,
    WorkerSocket,
    request_head,
    socket_at,
    with_body,
)
from cluster.routing_snapshot import RoutedPlacement
from cluster.worker_trust import distrust, trust_context

# Shorter than the time after which uvicorn closes an idle connection (5 s), so that no
# event is written into a connection that the worker is just closing.
IDLE_CONNECTION_S = 4.0


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


class ConnectTimeoutError(Exception):
    """The worker did not take the connection in time."""


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
        try:
            place = socket_at(placement.address or "", placement.pinned_host)
            head = request_head(
                placement, letter.call, letter.media_type, letter.deadline.left_s()
            )
            connection = self._take(place) or await _connect(place, letter.deadline)
            request = with_body(head, letter.body)
            return await self._ask(place, connection, request, letter.deadline)
        except (OSError, ConnectTimeoutError, AnswerTooLargeError) as error:
            raise call_error(placement, error) from error
        except UnsendableError as error:
            raise _unsendable(placement) from error

    def try_send(
        self,
        place: WorkerSocket,
        request: bytes,
        *,
        timeout_s: float,
        answered: Answered,
    ) -> bool:
        """Send a request if there is an idle connection; False if there is none.

        `answered` is called once, later, with the answer or what went wrong, which
        `call_error` explains.
        """
        connection = self._take(place)
        if connection is None:
            return False
        self._busy.add(connection)
        back = partial(self._answered, place, connection, answered)
        connection.send(request, timeout_s=timeout_s, answered=back)
        return True

    def _answered(
        self,
        place: WorkerSocket,
        connection: WorkerConnection,
        answered: Answered,
        outcome: WorkerReply | Exception,
    ) -> None:
        self._give_back(place, connection)
        answered(outcome)

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
            self._give_back(place, connection)

    def _give_back(self, place: WorkerSocket, connection: WorkerConnection) -> None:
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


async def _connect(place: WorkerSocket, deadline: Deadline) -> WorkerConnection:
    """Return a new connection; one that is not taken in time was never used."""
    limit_s = conf.current().connect_timeout
    try:
        async with asyncio.timeout(min(limit_s, deadline.left_s())):
            _, connection = await asyncio.get_running_loop().create_connection(
                WorkerConnection,
                place.host,
                place.port,
                ssl=trust_context() if place.tls_name else None,
                server_hostname=place.tls_name,
            )
    except TimeoutError as error:
        if deadline.left_s():
            raise ConnectTimeoutError from error
        raise
    return connection


def call_error(placement: RoutedPlacement, error: Exception) -> WorkerCallError:
    """Return what a call that failed like this means for the caller."""
    if isinstance(error, TimeoutError):
        return _no_answer(placement)
    if isinstance(error, AnswerTooLargeError):
        return _too_large(placement)
    if isinstance(error, ssl.SSLCertVerificationError):
        return WorkerUnreachableError(
            distrust(placement.worker_id or "", placement.address, error),
            details={"worker_id": placement.worker_id},
        )
    return unreachable(placement)


def unreachable(placement: RoutedPlacement) -> WorkerUnreachableError:
    """Return 502 for a connection that was refused or broke."""
    return WorkerUnreachableError(
        f"worker '{placement.worker_id}' cannot be reached at {placement.address};"
        f" its pipeline '{placement.pipeline_name}' moves when it stays silent",
        details={"worker_id": placement.worker_id},
    )


def _no_answer(placement: RoutedPlacement) -> WorkerTimeoutError:
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
