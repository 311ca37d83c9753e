"""Calls to workers from the event loop, on pooled connections."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from cluster import conf
from cluster.exceptions import (
    WorkerAnswerError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.routing_snapshot import RoutedPlacement

# Shorter than the time after which uvicorn closes an idle connection (5 s), so that no
# event is written into a connection that the worker is just closing.
IDLE_CONNECTION_S = 4.0
MAX_ANSWER = 64 * 1024 * 1024  # bytes
# The worker should answer "not complete" before the coordinator gives up.
ANSWER_MARGIN_S = 0.25
LEAST_BUDGET_MS = 1
KNOWN_WORKERS = 4096  # remembered addresses


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


class WorkerSession:
    """One aiohttp session for all workers; redirects and proxies are never followed.

    Raises WorkerUnreachableError for a refused or broken connection and
    WorkerTimeoutError when the deadline passes. An answer of any status is returned.
    """

    def __init__(self) -> None:
        """Make nothing yet: a session belongs to a running loop."""
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE_CONNECTION_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        )

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self, placement: RoutedPlacement, letter: Letter
    ) -> tuple[int, bytes]:
        """Return status and body of the worker's answer."""
        if self._session is None:
            raise RuntimeError("the worker session has not been started")
        place = _socket(placement.address or "", placement.pinned_host)
        path = f"/api/v1/pipelines/{quote(placement.pipeline_id)}/{letter.call}"
        try:
            async with self._session.post(
                URL(place.base + path, encoded=True),
                data=letter.body,
                headers=_headers(placement, place.host, letter),
                timeout=_timeout(letter.deadline),
                allow_redirects=False,
                server_hostname=place.tls_name,
            ) as response:
                if (response.content_length or 0) > MAX_ANSWER:
                    raise _too_large(placement)
                return response.status, await response.read()
        except TimeoutError as error:
            raise _no_answer(placement, error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(placement) from error


class WorkerSocket(NamedTuple):
    """The URL to connect to, the Host header and the name asked of TLS."""

    base: str
    host: str
    tls_name: str | None


@lru_cache(maxsize=KNOWN_WORKERS)
def _socket(address: str, pinned_host: str) -> WorkerSocket:
    parts = urlsplit(address)
    host = pinned_host or parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    tls_name = parts.hostname if parts.scheme == "https" else None
    base = f"{parts.scheme}://{bracketed}:{parts.port}"
    return WorkerSocket(base, parts.netloc, tls_name)


def _headers(placement: RoutedPlacement, host: str, letter: Letter) -> dict[str, str]:
    budget_ms = int((letter.deadline.left_s() - ANSWER_MARGIN_S) * 1000)
    headers = {
        "Host": host,
        "Content-Type": letter.media_type,
        "X-Varpulis-Timeout-Ms": str(max(LEAST_BUDGET_MS, budget_ms)),
    }
    if placement.api_key:
        headers["X-API-Key"] = placement.api_key
    return headers


def _timeout(deadline: Deadline) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=deadline.left_s() or 0.001, sock_connect=conf.current().connect_timeout
    )


def unreachable(placement: RoutedPlacement) -> WorkerUnreachableError:
    """Return 502 for a connection that was refused or broke."""
    return WorkerUnreachableError(
        f"worker '{placement.worker_id}' cannot be reached at {placement.address};"
        f" its pipeline '{placement.pipeline_name}' moves when it stays silent",
        details={"worker_id": placement.worker_id},
    )


def _no_answer(
    placement: RoutedPlacement, error: TimeoutError
) -> WorkerUnreachableError | WorkerTimeoutError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return unreachable(placement)
    limit = conf.current().http_timeout
    return WorkerTimeoutError(
        f"worker '{placement.worker_id}' did not answer within {limit:g} s;"
        " the event may have been processed",
        details={"worker_id": placement.worker_id},
    )


def _too_large(placement: RoutedPlacement) -> WorkerAnswerError:
    return WorkerAnswerError(
        f"worker '{placement.worker_id}' answered more than {MAX_ANSWER} bytes",
        details={"worker_id": placement.worker_id},
    )
