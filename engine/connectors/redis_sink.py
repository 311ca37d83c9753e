"""Events to Redis streams."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.queued_sink import QueuedSink, Refused
from engine.connectors.redis_client import make_client
from engine.connectors.redis_params import RedisParams

EVENT_FIELD = "event"  # of a stream entry: the event as JSON text
# Answers that stay the same however often one asks.
FINAL_ANSWERS = ("WRONGTYPE", "NOPERM", "wrong kind of value")


class RedisPublisher:
    """Appends each event to the stream named by its topic, trimmed to `maxlen`."""

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._guard = guard
        self.params = RedisParams.of(spec, spec.params)
        self._client: Any = None

    @property
    def where(self) -> str:
        """Return the server's address."""
        return self.params.where

    def connect(self) -> None:
        """Connect and ask the server whether it is there."""
        self._client = make_client(self.params, self._guard)
        self.check()

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Append in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for pending in events:
            entry = {EVENT_FIELD: pending.payload}
            pipeline.xadd(
                pending.topic, entry, maxlen=self.params.maxlen, approximate=True
            )
        try:
            answers = pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise LinkLostError(str(error)) from error
        return [
            Refused(pending, str(answer), _is_final(answer))
            for pending, answer in zip(events, answers, strict=True)
            if isinstance(answer, RedisError)
        ]

    def check(self) -> None:
        """Ask the server whether it is there."""
        try:
            self._client.ping()
        except (RedisError, OSError) as error:
            raise LinkLostError(f"cannot connect: {error}") from error

    def disconnect(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _is_final(answer: RedisError) -> bool:
    text = str(answer)
    return isinstance(answer, ResponseError) and any(
        mark in text for mark in FINAL_ANSWERS
    )


def redis_sink(
    spec: ConnectorSpec, dead_letters: DeadLetters, guard: Guard
) -> QueuedSink:
    """Make the sink of a connector."""
    publisher = RedisPublisher(spec, guard)
    return QueuedSink(spec, dead_letters, publisher, publisher.params.topic)
