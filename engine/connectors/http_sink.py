"""The HTTP sink: one request per event."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from engine.connectors.address import without_secrets
from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.http_client import Answer, HttpClient, HttpFailedError
from engine.connectors.http_params import HttpParams
from engine.connectors.queued_sink import QueuedSink, Refused

logger = logging.getLogger("varpulis")

CONTENT_TYPE = {"Content-Type": "application/json"}


def http_sink(
    spec: ConnectorSpec, dead_letters: DeadLetters, guard: Guard
) -> "HttpSink":
    """Return the sink of one URL."""
    return HttpSink(spec, dead_letters, HttpPublisher(spec, guard))


class HttpSink(QueuedSink):
    """Sends events one by one, so that each has its own tries and none overtakes."""

    def __init__(
        self, spec: ConnectorSpec, dead_letters: DeadLetters, http: "HttpPublisher"
    ) -> None:
        super().__init__(spec, dead_letters, http, batch=1)
        self._http = http

    @property
    def connected(self) -> bool:
        """Tell whether the server answered the last request; True before the first."""
        return self._http.is_reachable

    def status(self) -> dict[str, Any]:
        """Return state and counters."""
        return {**super().status(), "connected": self.connected}


class HttpPublisher:
    """Connects with the first request; belongs to one thread.

    Raises ValueError for headers that are none.
    """

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._spec = spec
        self._guard = guard
        self._params = HttpParams.of(spec)
        self._runner: asyncio.Runner | None = None
        self._client: HttpClient | None = None
        self.is_reachable = True

    @property
    def where(self) -> str:
        """Return scheme, host and port."""
        return without_secrets(self._params.url)

    def connect(self) -> None:
        """Make the client."""
        headers = CONTENT_TYPE | dict(self._params.headers)
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_make_client(self._guard, headers))

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Send each event; returns those the server did not accept."""
        outcomes = [(pending, self._send(pending.payload)) for pending in events]
        return [Refused(pending, *why) for pending, why in outcomes if why is not None]

    def check(self) -> None:
        """Nothing: idle connections are made again when needed."""

    def disconnect(self) -> None:
        """Close the client and its loop."""
        runner, client = self._runner, self._client
        self._runner = self._client = None
        if runner is not None:
            if client is not None:
                runner.run(client.close())
            runner.close()

    def _send(self, payload: bytes) -> tuple[str, bool] | None:
        """Return None, or why it failed and whether that is final."""
        try:
            answer = self._request(payload)
        except HttpFailedError as error:
            self._note(str(error))
            return str(error), False
        self._note(None)
        if answer.is_success:
            return None
        return f"HTTP status {answer.status}", not answer.is_worth_a_retry

    def _request(self, payload: bytes) -> Answer:
        if self._runner is None or self._client is None:
            raise HttpFailedError("not connected")
        params = self._params
        return self._runner.run(
            self._client.request(
                params.method, params.url, params.timeout_s, data=payload
            )
        )

    def _note(self, failure: str | None) -> None:
        if failure is not None and self.is_reachable:
            name = self._spec.name
            logger.warning("Connector '%s' (%s): %s", name, self.where, failure)
        self.is_reachable = failure is None


async def _make_client(guard: Guard, headers: dict[str, str]) -> HttpClient:
    return HttpClient(guard, headers)
