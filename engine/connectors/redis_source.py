"""Events from a Redis stream, through a consumer group."""

import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from redis.exceptions import RedisError, ResponseError

from engine.connectors.base import Message, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.polled_source import PolledSource
from engine.connectors.redis_client import make_client
from engine.connectors.redis_params import DEFAULT_STREAM, RedisParams
from engine.connectors.redis_sink import EVENT_FIELD

logger = logging.getLogger("varpulis")

BATCH = 500  # entries
NEW_ENTRIES = ">"
OLDEST_ENTRY = "0"


class RedisSubscriber:
    """Reads as the one consumer of its pipeline in the group.

    The consumer's name is the pipeline's, so a pipeline that starts again, here or
    elsewhere, first gets what it took and never acknowledged. A new group starts at
    the oldest entry that the stream still has.
    """

    def __init__(self, spec: SourceSpec, guard: Guard) -> None:
        self._guard = guard
        self.params = RedisParams.of(spec.connector, spec.params)
        self._stream = spec.topic or self.params.topic or DEFAULT_STREAM
        self._consumer = spec.connector.pipeline or spec.connector.name
        self._client: Any = None
        self._next = OLDEST_ENTRY
        # Entries delivered, and those of them that wait for their XACK.
        self._lock = threading.Lock()
        self._in_flight: set[bytes] = set()
        self._done: list[bytes] = []

    @property
    def where(self) -> str:
        """Return the server's address."""
        return self.params.where

    def connect(self) -> None:
        """Connect and make the group where there is none."""
        self._client = make_client(self.params, self._guard)
        self._next = OLDEST_ENTRY
        try:
            self._client.xgroup_create(
                self._stream, self.params.group, id=OLDEST_ENTRY, mkstream=True
            )
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # it exists: that is the rule
                raise LinkLostError(str(error)) from error
        except (RedisError, OSError) as error:
            raise LinkLostError(f"cannot connect: {error}") from error

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Return entries that wait for acknowledgement first, then new ones."""
        try:
            self._acknowledge_done()
            entries = self._read(timeout_s)
        except (RedisError, OSError) as error:
            raise LinkLostError(str(error)) from error
        return [self._message(number, fields) for number, fields in entries]

    def disconnect(self) -> None:
        """Acknowledge what is done and close the connection."""
        if self._client is None:
            return
        try:
            self._acknowledge_done()
        except (RedisError, OSError) as error:
            logger.info("Redis %s: entries come again: %s", self.where, error)
        self._client.close()
        self._client = None

    def _read(self, timeout_s: float) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
        answer = self._client.xreadgroup(
            self.params.group,
            self._consumer,
            {self._stream: self._next},
            count=BATCH,
            block=max(1, int(timeout_s * 1000)),
        )
        entries = _entries_of(answer)
        if self._next == NEW_ENTRIES:
            return entries
        self._next = entries[-1][0].decode() if entries else NEW_ENTRIES
        return [entry for entry in entries if self._is_wanted(*entry)]

    def _is_wanted(self, number: bytes, fields: Mapping[bytes, bytes] | None) -> bool:
        """Tell whether an old entry is to be delivered (again)."""
        with self._lock:
            if number in self._in_flight:  # before the connection broke
                return False
            if not fields:
                logger.warning(
                    "Redis stream '%s': entry %s was trimmed before it was processed",
                    self._stream,
                    number.decode(),
                )
                self._done.append(number)
        return bool(fields)

    def _message(self, number: bytes, fields: Mapping[bytes, bytes]) -> Message:
        with self._lock:
            self._in_flight.add(number)
        payload = fields.get(EVENT_FIELD.encode())
        return Message(
            payload=payload if payload is not None else _as_object(fields),
            topic=self._stream,
            key=None,
            acknowledge=partial(self._note_done, number),
        )

    def _note_done(self, number: bytes) -> None:
        with self._lock:
            self._done.append(number)

    def _acknowledge_done(self) -> None:
        with self._lock:
            done = self._done.copy()
        if not done:
            return
        self._client.xack(self._stream, self.params.group, *done)
        with self._lock:
            del self._done[: len(done)]
            self._in_flight.difference_update(done)


def _entries_of(answer: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    """Return the entries of the one stream asked for, in either protocol's form."""
    if not answer:
        return []
    if isinstance(answer, Mapping):  # RESP3: {stream: [[entry, ..]]}
        nested = next(iter(answer.values()))
        return [tuple(entry) for part in nested for entry in part]
    return [tuple(entry) for entry in answer[0][1]]


def _as_object(fields: Mapping[bytes, bytes]) -> bytes:
    """Return an entry that was not written by us as a JSON object of texts."""
    return msgspec.json.encode({
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for name, value in fields.items()
    })


def redis_source(spec: SourceSpec, guard: Guard) -> PolledSource:
    """Make the source of a subscription."""
    return PolledSource(spec, RedisSubscriber(spec, guard))
