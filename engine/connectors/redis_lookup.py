"""Records from Redis, for `enrich`: a hash, else a text with a JSON object."""

import queue
import time
from typing import Any

import msgspec
from redis.exceptions import RedisError, ResponseError

from engine.connectors.base import ConnectorSpec, LookupFailedError
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.redis_client import make_connection
from engine.connectors.redis_params import RedisParams

IDLE_CONNECTIONS = 8


class RedisLookup:
    """Asks for hash and text in one round trip; the values of a hash are texts.

    Several threads use a connection each.
    """

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._guard = guard
        self._params = RedisParams.of(spec, spec.params)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the record below `key`."""
        deadline = time.monotonic() + timeout_s
        try:
            connection = self._take(timeout_s)
            try:
                answers = _ask(connection, key, deadline)
            except BaseException:
                connection.disconnect()
                raise
        except (RedisError, OSError, ValueError) as error:  # ValueError: half a pair
            raise LookupFailedError(f"{self._params.where}: {error}") from error
        self._give_back(connection)
        return _record_of(key, *answers)

    def close(self) -> None:
        """Close the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().disconnect()

    def _take(self, timeout_s: float) -> Any:
        while not self._idle.empty():
            connection = self._idle.get_nowait()
            if _is_quiet(connection):
                return connection
            connection.disconnect()
        connection = make_connection(self._params, self._guard, timeout_s)
        connection.connect()
        return connection

    def _give_back(self, connection: Any) -> None:
        if self._idle.qsize() < IDLE_CONNECTIONS:
            self._idle.put(connection)
        else:
            connection.disconnect()


def _is_quiet(connection: Any) -> bool:
    """Tell whether an idle connection still stands: only its end would be readable."""
    try:
        return not connection.can_read(0)
    except (RedisError, OSError):
        return False


def _ask(connection: Any, key: str, deadline: float) -> tuple[Any, Any]:
    """Return the answers to HGETALL and GET, errors among them."""
    commands = connection.pack_commands([("HGETALL", key), ("GET", key)])
    connection.send_packed_command(commands)
    return _answer(connection, deadline), _answer(connection, deadline)


def _answer(connection: Any, deadline: float) -> Any:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise LinkLostError("no answer in time")
    try:
        return connection.read_response(timeout=left_s)
    except ResponseError as error:
        return error


def _record_of(key: str, fields: Any, text: Any) -> dict[str, Any] | None:
    """Return what a key holds: its hash, or its text read as a JSON object.

    One of the two answers is an error when the key holds the other kind of value.
    """
    if isinstance(fields, list):  # the protocol's older form: names and values in turn
        fields = dict(zip(fields[::2], fields[1::2], strict=True))
    if isinstance(fields, dict):
        if not fields:
            return None
        return {_text(name): _text(value) for name, value in fields.items()}
    if not isinstance(text, bytes):
        raise LookupFailedError(f"key '{key}': neither a hash nor a text: {text}")
    try:
        record = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise LookupFailedError(f"key '{key}': no JSON: {error}") from error
    if not isinstance(record, dict):
        raise LookupFailedError(f"key '{key}': JSON, but not an object")
    return record


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
