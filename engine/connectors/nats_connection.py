"""A NATS connection for threads: the library is asynchronous, connectors are not."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Coroutine
from concurrent.futures import TimeoutError as ResultTimeoutError
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.nats_params import NatsParams
from engine.connectors.reach import check_reach

DEFAULT_PORT = 4222
CONNECT_TIMEOUT_S = 5
PING_INTERVAL_S = 20

T = TypeVar("T")


class NatsConnection:
    """One connection with an event loop in a thread of its own.

    The loop answers the server's pings while the connector is busy elsewhere. The
    library's own reconnecting is off: the connector has its own backoff.
    """

    def __init__(self, params: NatsParams, guard: Guard) -> None:
        self._params = params
        self._guard = guard
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="nats-loop", daemon=True
        )
        self._error: str | None = None
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """Return the library's client; raises LinkLostError when it is not connected."""
        if self._client is None or not self._client.is_connected:
            raise LinkLostError(self._error or "closed by the server")
        return self._client

    def open(self) -> None:
        """Connect and log in; raises LinkLostError."""
        check_reach(self._guard, "nats", self._params.servers, DEFAULT_PORT)
        self._thread.start()
        try:
            self._client = self.run(self._connect(), CONNECT_TIMEOUT_S * 2)
        except LinkLostError as error:
            raise LinkLostError(f"cannot connect: {self._error or error}") from error
        self._error = None

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run `work` in the loop; raises LinkLostError when it fails or takes longer."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except (TimeoutError, ResultTimeoutError, asyncio.CancelledError) as error:
            future.cancel()
            raise LinkLostError(self._error or "the server does not answer") from error
        except LinkLostError:
            raise
        except (NatsError, OSError) as error:
            raise LinkLostError(self._error or str(error)) from error

    def close(self) -> None:
        """Flush, disconnect and end the thread; never raises."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        with contextlib.suppress(LinkLostError):
            self.run(self._close(), 2.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._loop.close()

    async def _connect(self) -> Client:
        return await nats.connect(
            list(self._params.servers),
            name=self._params.name,
            error_cb=self._note_error,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.01,
            connect_timeout=CONNECT_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
        )

    async def _close(self) -> None:
        if self._client is not None and self._client.is_connected:
            await _quietly(self._client.flush(1))
            await _quietly(self._client.close())
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _note_error(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__


async def _quietly(work: Awaitable[None]) -> None:
    with contextlib.suppress(NatsError, OSError, TimeoutError):
        await work
