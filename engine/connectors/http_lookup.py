"""Look-ups over HTTP for `enrich`: GET `url?key=K`, answered with a JSON object."""

import asyncio
import contextlib
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import msgspec

from engine.connectors.base import ConnectorSpec, LookupFailedError
from engine.connectors.guard import Guard
from engine.connectors.http_client import Answer, HttpClient, HttpFailedError
from engine.connectors.http_params import HttpParams

CLOSE_TIMEOUT_S = 1.0
GRACE_S = 1.0  # for the client to report a timeout in its own words
NOT_FOUND = frozenset((404, 410))


class HttpLookup:
    """Asks one server; requests of several threads run side by side on one loop.

    Raises ValueError for headers that are none.
    """

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._spec = spec
        self._guard = guard
        self._params = HttpParams.of(spec)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: HttpClient | None = None
        self._starting = threading.Lock()

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the object of `key`, None for status 404 and an answer of `null`."""
        try:
            answer = self._get(key, timeout_s)
        except HttpFailedError as error:
            raise LookupFailedError(str(error)) from error
        except FutureTimeoutError as error:
            raise LookupFailedError(f"no answer within {timeout_s:g} s") from error
        return _record(answer)

    def close(self) -> None:
        """Close connections and end the loop's thread."""
        with self._starting:
            loop, self._loop = self._loop, None
            client, self._client = self._client, None
        if loop is not None and client is not None:
            closing = asyncio.run_coroutine_threadsafe(client.close(), loop)
            with contextlib.suppress(FutureTimeoutError):
                closing.result(CLOSE_TIMEOUT_S)
            loop.call_soon_threadsafe(loop.stop)

    def _get(self, key: str, timeout_s: float) -> Answer:
        loop, client = self._started()
        request = client.request(
            "GET", self._params.url, timeout_s, query={"key": key}, wants_body=True
        )
        asked = asyncio.run_coroutine_threadsafe(request, loop)
        try:
            return asked.result(timeout_s + GRACE_S)
        finally:
            asked.cancel()

    def _started(self) -> tuple[asyncio.AbstractEventLoop, HttpClient]:
        with self._starting:
            if self._loop is None or self._client is None:
                self._loop = asyncio.new_event_loop()
                name = f"lookup-{self._spec.name}"
                threading.Thread(
                    target=_run, args=(self._loop,), name=name, daemon=True
                ).start()
                making = _make_client(self._guard, self._params)
                made = asyncio.run_coroutine_threadsafe(making, self._loop)
                self._client = made.result(CLOSE_TIMEOUT_S)
            return self._loop, self._client


def _record(answer: Answer) -> dict[str, Any] | None:
    if answer.status in NOT_FOUND:
        return None
    if not answer.is_success:
        raise LookupFailedError(f"HTTP status {answer.status}")
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise LookupFailedError("the answer is no JSON") from error
    if found is not None and not isinstance(found, dict):
        raise LookupFailedError("the answer is no JSON object")
    return found


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _make_client(guard: Guard, params: HttpParams) -> HttpClient:
    return HttpClient(guard, params.headers)
