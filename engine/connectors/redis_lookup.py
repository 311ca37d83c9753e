"""Records from Redis, for `enrich`: a hash, else a text with a JSON object."""

import threading
import time
from typing import Any

import msgspec
from redis.exceptions import RedisError

from engine.connectors.base import ConnectorSpec, LookupFailedError
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.redis_client import make_client
from engine.connectors.redis_params import RedisParams


class RedisLookup:
    """Asks for hash and text in one round trip; the values of a hash are texts."""

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._guard = guard
        self._params = RedisParams.of(spec, spec.params)
        self._lock = threading.Lock()
        self._clients: dict[float, Any] = {}

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the record below `key`."""
        deadline = time.monotonic() + timeout_s
        try:
            pipeline = self._client(timeout_s).pipeline(transaction=False)
            pipeline.hgetall(key)
            pipeline.get(key)
            fields, text = pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise LookupFailedError(f"{self._params.where}: {error}") from error
        if time.monotonic() > deadline:
            raise LookupFailedError(f"{self._params.where}: no answer in {timeout_s} s")
        return _record_of(key, fields, text)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def _client(self, timeout_s: float) -> Any:
        """Return the client whose waits end after `timeout_s`: one for each `enrich`."""
        with self._lock:
            client = self._clients.get(timeout_s)
            if client is None:
                try:
                    client = make_client(self._params, self._guard, timeout_s)
                except LinkLostError as error:
                    raise LookupFailedError(str(error)) from error
                self._clients[timeout_s] = client
            return client


def _record_of(key: str, fields: Any, text: Any) -> dict[str, Any] | None:
    """Return what a key holds: its hash, or its text read as a JSON object.

    One of the two answers is an error when the key holds the other kind of value.
    """
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
