"""Events from NATS subjects, plain or through JetStream."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from engine.connectors.base import Message, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.nats_connection import NatsConnection
from engine.connectors.nats_params import NatsParams, durable_name
from engine.connectors.polled_source import PolledSource
from engine.connectors.topics import ALL_EVENTS, to_subject

if TYPE_CHECKING:
    from nats.aio.subscription import Subscription

BATCH = 500  # messages
INBOX_MESSAGES = 10_000
ANSWER_TIMEOUT_S = 5.0
# How long the server waits for an acknowledgement before it delivers again.
ACKNOWLEDGE_WAIT_S = 30.0
# How long a request for messages stands before we ask again.
REQUEST_S = 30.0
ACKNOWLEDGED = b"+ACK"
DELIVER_AGAIN = b"-NAK"


class NatsSubscriber:
    """Takes messages of a plain subject as they come; at most once.

    When the pipeline is slower than the publisher, 10 000 messages wait here, then
    the library's own queue fills, and at last messages are dropped.
    """

    def __init__(self, params: NatsParams, topic: str, guard: Guard) -> None:
        self._guard = guard
        self.params = params
        self._subject = to_subject(topic or params.topic or ALL_EVENTS)
        self._connection: NatsConnection | None = None
        self._inbox: asyncio.Queue[Msg] = asyncio.Queue(INBOX_MESSAGES)

    @property
    def where(self) -> str:
        """Return the servers."""
        return self.params.where

    def connect(self) -> None:
        """Connect and subscribe."""
        self._inbox = asyncio.Queue(INBOX_MESSAGES)
        self._connection = connection = NatsConnection(self.params, self._guard)
        connection.open()
        connection.run(self._subscribe(connection.client), ANSWER_TIMEOUT_S)

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Return what has come, as soon as there is something."""
        taken = self._open_connection().run(
            self._take(timeout_s), timeout_s + ANSWER_TIMEOUT_S
        )
        return [self._message(message) for message in taken]

    def disconnect(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _client(self) -> Client:
        return self._open_connection().client

    def _open_connection(self) -> NatsConnection:
        if self._connection is None:
            raise LinkLostError("not connected")
        return self._connection

    async def _subscribe(self, client: Client) -> None:
        await client.subscribe(
            self._subject, queue=self.params.queue_group, cb=self._inbox.put
        )
        await client.flush(int(ANSWER_TIMEOUT_S))

    async def _take(self, timeout_s: float) -> list[Msg]:
        try:
            taken = [await asyncio.wait_for(self._inbox.get(), timeout_s)]
        except TimeoutError:
            _ = self._client  # raises when the server has hung up
            return []
        while len(taken) < BATCH and not self._inbox.empty():
            taken.append(self._inbox.get_nowait())
        return taken

    def _message(self, message: Msg) -> Message:
        return Message(message.data, message.subject, None, _nothing_to_acknowledge)


class NatsStreamSubscriber(NatsSubscriber):
    """Asks a JetStream consumer for messages and acknowledges them once processed.

    The consumer is durable and starts, when it is new, at the oldest message that the
    stream still has. Pipelines that name the same one share its messages.
    """

    def __init__(self, spec: SourceSpec, params: NatsParams, guard: Guard) -> None:
        super().__init__(params, spec.topic, guard)
        pipeline = spec.connector.pipeline or spec.connector.name
        name = params.durable or params.queue_group
        self._durable = name or durable_name(pipeline, self._subject)
        self._reply_to = ""
        self._expected = 0  # messages still to come for the last request
        self._asked_at = 0.0
        # Answers for messages that are processed; filled by any thread.
        self._done: deque[str] = deque()
        self._in_flight: set[str] = set()
        self._answers: Subscription | None = None

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Pass on acknowledgements, ask for more and return what has come."""
        self._open_connection().run(self._converse(), ANSWER_TIMEOUT_S)
        return super().receive(timeout_s)

    def disconnect(self) -> None:
        """Settle what was received and close the connection.

        Messages that are not processed are given back, to come again at once.
        """
        if self._connection is not None:
            try:
                self._connection.run(self._settle(), ANSWER_TIMEOUT_S)
            except LinkLostError:
                self._done.clear()  # they come again, with other reply subjects
        self._in_flight.clear()
        super().disconnect()

    async def _subscribe(self, client: Client) -> None:
        jetstream = client.jetstream(timeout=ANSWER_TIMEOUT_S)
        await self._make_consumer(jetstream)
        self._expected = 0
        self._reply_to = client.new_inbox()
        self._answers = await client.subscribe(self._reply_to, cb=self._accept)

    async def _make_consumer(self, jetstream: JetStreamContext) -> None:
        config = ConsumerConfig(
            durable_name=self._durable,
            filter_subject=self._subject,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACKNOWLEDGE_WAIT_S,
            max_ack_pending=BATCH * 4,
        )
        stream = self.params.stream
        try:
            await jetstream.consumer_info(stream, self._durable)
        except NotFoundError:
            await self._add_consumer(jetstream, config)

    async def _add_consumer(
        self, jetstream: JetStreamContext, config: ConsumerConfig
    ) -> None:
        stream = self.params.stream
        try:
            await jetstream.add_consumer(stream, config)
        except NotFoundError as error:
            raise LinkLostError(
                f"there is no stream '{stream}': make one, for example with "
                f"'nats stream add {stream} --subjects {self._subject}'"
            ) from error

    async def _accept(self, message: Msg) -> None:
        if message.headers and "Status" in message.headers:
            if message.headers["Status"] != "100":  # a heartbeat
                self._expected = 0
            return
        self._expected -= 1
        await self._inbox.put(message)

    async def _converse(self) -> None:
        await self._acknowledge()
        is_late = time.monotonic() - self._asked_at > REQUEST_S * 1.5
        if self._expected > 0 and not is_late:
            return
        self._expected = BATCH
        self._asked_at = time.monotonic()
        wanted = {"batch": BATCH, "expires": int(REQUEST_S * 1e9)}
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.params.stream}.{self._durable}",
            msgspec.json.encode(wanted),
            reply=self._reply_to,
        )

    async def _acknowledge(self) -> None:
        client = self._client
        while self._done:
            reply = self._done.popleft()
            self._in_flight.discard(reply)
            await client.publish(reply, ACKNOWLEDGED)

    async def _settle(self) -> None:
        await self._acknowledge()
        if self._answers is not None:  # else the last request would take them again
            await self._answers.unsubscribe()
        waiting = [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        for reply in [*self._in_flight, *(message.reply for message in waiting)]:
            await self._client.publish(reply, DELIVER_AGAIN)

    def _message(self, message: Msg) -> Message:
        self._in_flight.add(message.reply)
        done = partial(self._done.append, message.reply)
        return Message(message.data, message.subject, None, done)


def nats_source(spec: SourceSpec, guard: Guard) -> PolledSource:
    """Make the source of a subscription, whose connector may name a stream or not."""
    params = NatsParams.of(spec.connector, spec.params)
    if params.stream:
        return PolledSource(spec, NatsStreamSubscriber(spec, params, guard))
    return PolledSource(spec, NatsSubscriber(params, spec.topic, guard))


def _nothing_to_acknowledge() -> None:
    """Plain subjects know no acknowledgement."""
