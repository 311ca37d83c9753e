"""Events from a WebSocket; at most once, since there is nothing to acknowledge."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from engine.connectors.address import address_of, without_secrets
from engine.connectors.base import Message, SourceSpec
from engine.connectors.guard import Guard, RefusedError
from engine.connectors.headers import headers_of
from engine.connectors.link import LinkLostError
from engine.connectors.polled_source import PolledSource
from engine.connectors.reach import port_of

DEFAULT_URL = "ws://localhost:80/"
CONNECT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
PING_INTERVAL_S = 20.0
BATCH = 500  # messages
# Twice what a payload may have: what is a little too long still becomes a dead letter,
# what is longer ends the connection.
MAX_MESSAGE_BYTES = 2 * 1024 * 1024


class WebsocketSubscriber:
    """Connects, sends the topic as subscription if there is one, and reads.

    Redirects are not followed and proxies not used: the address is the one the guard
    has allowed.
    """

    def __init__(self, spec: SourceSpec, guard: Guard) -> None:
        self._guard = guard
        self._url = address_of(spec.params, DEFAULT_URL)
        self._headers = spec.params.get("headers")
        self._topic = spec.topic or str(spec.params.get("topic") or "")
        self._connection: ClientConnection | None = None

    @property
    def where(self) -> str:
        """Return the server's address."""
        return without_secrets(self._url)

    def connect(self) -> None:
        """Connect and subscribe."""
        try:
            self._connection = self._connect()
            if self._topic:
                self._connection.send(self._topic)
        except RefusedError as error:
            raise LinkLostError(f"not allowed: {error}") from error
        except (OSError, ValueError, WebSocketException) as error:
            raise LinkLostError(f"cannot connect: {error}") from error

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Return what has come, as soon as there is something."""
        received: list[Message] = []
        try:
            received.append(self._receive_one(timeout_s))
            while len(received) < BATCH:
                received.append(self._receive_one(0))
        except TimeoutError:
            return received
        except ConnectionClosed as error:
            if received:  # the next call tells
                return received
            raise LinkLostError(f"closed: {error}") from error
        return received

    def disconnect(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> ClientConnection:
        parts = urlsplit(self._url)
        host = self._guard.host_of(self._url, "websocket")
        port = port_of(self._url, 443 if parts.scheme == "wss" else 80)
        headers = headers_of(self._headers)
        address = self._guard.resolve(host, port), port
        opened = socket.create_connection(address, CONNECT_TIMEOUT_S)
        try:
            return connect(
                self._url,
                sock=opened,
                additional_headers=headers,
                proxy=None,
                open_timeout=CONNECT_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                max_size=MAX_MESSAGE_BYTES,
            )
        except BaseException:
            opened.close()
            raise

    def _receive_one(self, timeout_s: float) -> Message:
        if self._connection is None:
            raise LinkLostError("not connected")
        data = self._connection.recv(timeout=timeout_s)
        payload = data.encode() if isinstance(data, str) else data
        return Message(payload, self._topic, None, _nothing_to_acknowledge)


def _nothing_to_acknowledge() -> None:
    """A WebSocket knows no acknowledgement."""


def websocket_source(spec: SourceSpec, guard: Guard) -> PolledSource:
    """Make the source of a subscription."""
    return PolledSource(spec, WebsocketSubscriber(spec, guard))
