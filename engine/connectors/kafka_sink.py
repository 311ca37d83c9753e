"""Events to Kafka topics."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.kafka_client import (
    LOOK_S,
    Trouble,
    check_brokers,
    find_brokers,
    text_of,
)
from engine.connectors.kafka_key import KafkaKey
from engine.connectors.kafka_params import (
    CONNECT_TIMEOUT_S,
    MESSAGE_TIMEOUT_S,
    KafkaParams,
)
from engine.connectors.link import LinkLostError
from engine.connectors.queued_sink import QueuedSink, Refused
from engine.connectors.topics import BadTopicError, to_exact_kafka_topic

# Reports after which it is not known whether the brokers have the event.
LOST = frozenset({
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._PURGE_INFLIGHT,
    KafkaError._PURGE_QUEUE,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
    KafkaError.REQUEST_TIMED_OUT,
})


class KafkaPublisher:
    """Sends with `acks=all` and waits for the report of every event of a batch."""

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self._guard = guard
        self.params = KafkaParams.of(spec, spec.params)
        self._key = KafkaKey(self.params.key)
        self._producer: Producer | None = None
        self._reports: list[tuple[Pending, KafkaError]] = []
        self._trouble = Trouble()

    @property
    def where(self) -> str:
        """Return the brokers."""
        return self.params.brokers

    def connect(self) -> None:
        """Make a producer and ask a broker for the cluster."""
        check_brokers(self.params, self._guard)
        self._trouble = trouble = Trouble()
        try:
            settings = self.params.producer_settings()
            self._producer = Producer({**settings, "error_cb": trouble.note})
        except KafkaException as error:  # a setting the library does not know
            raise LinkLostError(text_of(error.args[0])) from error
        find_brokers(self._producer, trouble)

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Hand the batch to the library and wait for the reports."""
        producer = self._open_producer()
        self._reports.clear()
        deadline = time.monotonic() + MESSAGE_TIMEOUT_S + CONNECT_TIMEOUT_S
        refused = []
        for pending in events:
            try:
                self._produce(producer, pending)
            except BadTopicError as error:
                refused.append(Refused(pending, str(error), True))
        while len(producer):
            if producer.flush(LOOK_S) and self._trouble.text is not None:
                raise LinkLostError(self._trouble.text)
            if time.monotonic() > deadline:
                raise LinkLostError("the brokers do not answer")
        return refused + self._refusals(len(events) - len(refused))

    def check(self) -> None:
        """Serve the library's callbacks."""
        self._open_producer().poll(0)
        if self._trouble.text is not None:
            raise LinkLostError(self._trouble.text)

    def disconnect(self) -> None:
        """Drop the producer with whatever it still holds: the sink has it too."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(0.1)
            self._producer = None

    def _refusals(self, batch: int) -> list[Refused]:
        """Return what the brokers did not take; raises LinkLostError if that is all.

        A single event may run out of time by itself: its topic has no leader.
        """
        for _, error in self._reports:
            is_cut_off = self._trouble.text or len(self._reports) == batch
            if error.fatal() or (error.code() in LOST and is_cut_off):
                raise LinkLostError(self._trouble.text or text_of(error))
        return [
            Refused(pending, text_of(error), not _is_worth_a_try(error))
            for pending, error in self._reports
        ]

    def _open_producer(self) -> Producer:
        if self._producer is None:
            raise LinkLostError("not connected")
        return self._producer

    def _produce(self, producer: Producer, pending: Pending) -> None:
        topic = to_exact_kafka_topic(pending.topic)
        while True:
            try:
                producer.produce(
                    topic,
                    pending.payload,
                    self._key(pending.payload),
                    on_delivery=partial(self._note_report, pending),
                )
            except BufferError:  # the library's own queue is full
                producer.poll(0.1)
            except KafkaException as error:
                self._reports.append((pending, error.args[0]))
                return
            else:
                return

    def _note_report(
        self, pending: Pending, error: KafkaError | None, _message: Any
    ) -> None:
        if error is not None:
            self._reports.append((pending, error))


def _is_worth_a_try(error: KafkaError) -> bool:
    return error.code() in LOST or (
        error.retriable() and error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART
    )


def kafka_sink(
    spec: ConnectorSpec, dead_letters: DeadLetters, guard: Guard
) -> QueuedSink:
    """Make the sink of a connector."""
    publisher = KafkaPublisher(spec, guard)
    return QueuedSink(spec, dead_letters, publisher, publisher.params.topic)
