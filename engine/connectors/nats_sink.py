"""Events to NATS subjects, plain or through JetStream."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.errors import NoStreamResponseError

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.nats_connection import NatsConnection
from engine.connectors.nats_params import NatsParams
from engine.connectors.queued_sink import QueuedSink, Refused
from engine.connectors.topics import BadTopicError, to_exact_subject

FLUSH_TIMEOUT_S = 5
BATCH_TIMEOUT_S = 10.0

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import PubAck

Sent = tuple[Pending, "asyncio.Future[PubAck]"]


class NatsPublisher:
    """Publishes to plain subjects and waits until the server has read the batch.

    Nothing is sent twice: a batch that was on its way when the connection broke is
    refused for good.
    """

    def __init__(self, params: NatsParams, guard: Guard) -> None:
        self._guard = guard
        self.params = params
        self._connection: NatsConnection | None = None

    @property
    def where(self) -> str:
        """Return the servers."""
        return self.params.where

    def connect(self) -> None:
        """Connect and log in."""
        self._connection = NatsConnection(self.params, self._guard)
        self._connection.open()

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Send in order."""
        self.check()
        try:
            return self._open_connection().run(self._publish(events), BATCH_TIMEOUT_S)
        except LinkLostError as error:
            reason = f"cut off while sending, not sent twice without a stream: {error}"
            return [Refused(event, reason, True) for event in events]

    def check(self) -> None:
        """Raise LinkLostError if the server has hung up."""
        _ = self._client

    def disconnect(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open_connection(self) -> NatsConnection:
        if self._connection is None:
            raise LinkLostError("not connected")
        return self._connection

    @property
    def _client(self) -> Client:
        return self._open_connection().client

    async def _publish(self, events: Sequence[Pending]) -> list[Refused]:
        refused = []
        client = self._client
        for pending in events:
            try:
                subject = to_exact_subject(pending.topic)
                await client.publish(subject, pending.payload)
            except (BadTopicError, MaxPayloadError) as error:
                refused.append(Refused(pending, str(error), True))
        await client.flush(FLUSH_TIMEOUT_S)
        return refused


class NatsStreamPublisher(NatsPublisher):
    """Publishes to a JetStream stream and waits for its acknowledgement of each event.

    A batch whose acknowledgements are missing is sent again.
    """

    def __init__(self, params: NatsParams, guard: Guard) -> None:
        super().__init__(params, guard)
        self._jetstream: JetStreamContext | None = None

    def connect(self) -> None:
        """Connect; the stream is looked for when the first event goes there."""
        super().connect()
        self._jetstream = self._client.jetstream(timeout=FLUSH_TIMEOUT_S)

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Send in order, as many at once as the batch has."""
        self.check()
        return self._open_connection().run(self._publish(events), BATCH_TIMEOUT_S)

    async def _publish(self, events: Sequence[Pending]) -> list[Refused]:
        refused: list[Refused] = []
        sent: list[Sent] = []
        for pending in events:
            try:
                sent.append((pending, await self._submit(pending)))
            except (BadTopicError, MaxPayloadError) as error:
                refused.append(Refused(pending, str(error), True))
        answers = asyncio.gather(
            *(answer for _, answer in sent), return_exceptions=True
        )
        async with asyncio.timeout(FLUSH_TIMEOUT_S):
            for (pending, _), answer in zip(sent, await answers, strict=True):
                if isinstance(answer, BaseException):
                    refused.append(self._refusal(pending, answer))
        return refused

    async def _submit(self, pending: Pending) -> "asyncio.Future[PubAck]":
        if self._jetstream is None:
            raise LinkLostError("not connected")
        return await self._jetstream.publish_async(
            to_exact_subject(pending.topic), pending.payload, stream=self.params.stream
        )

    def _refusal(self, pending: Pending, answer: BaseException) -> Refused:
        if isinstance(answer, NoStreamResponseError):
            subject = to_exact_subject(pending.topic)
            reason = (
                f"no stream takes subject '{subject}': make one, for example with "
                f"'nats stream add {self.params.stream} --subjects {subject}'"
            )
            return Refused(pending, reason, False)
        if isinstance(answer, NatsError):
            return Refused(pending, str(answer), False)
        raise answer


def nats_sink(
    spec: ConnectorSpec, dead_letters: DeadLetters, guard: Guard
) -> QueuedSink:
    """Make the sink of a connector, which may name a stream or not."""
    params = NatsParams.of(spec, spec.params)
    make = NatsStreamPublisher if params.stream else NatsPublisher
    return QueuedSink(spec, dead_letters, make(params, guard), params.topic)
