"""Events from Kafka topics, through a consumer group."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaException,
    TopicPartition,
)

from engine.connectors.base import Message, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.kafka_client import Trouble, check_brokers, find_brokers, text_of
from engine.connectors.kafka_offsets import PartitionOffsets
from engine.connectors.kafka_params import (
    CONNECT_TIMEOUT_S,
    KafkaParams,
)
from engine.connectors.link import LinkInterruptedError, LinkLostError
from engine.connectors.polled_source import PolledSource
from engine.connectors.topics import ALL_EVENTS, to_kafka_subscription

BATCH = 500  # messages
Partition = tuple[str, int]


class KafkaSubscriber:
    """Reads as a member of its group; offsets are committed after processing.

    A group that is new to a partition starts at the parameter `offset`, and that
    start is committed at once: `latest` is then the moment of the first assignment,
    also for a pipeline that dies before it has processed anything.
    """

    def __init__(self, spec: SourceSpec, guard: Guard) -> None:
        self._guard = guard
        self.params = KafkaParams.of(spec.connector, spec.params)
        topic = spec.topic or self.params.topic or ALL_EVENTS
        self._topic = to_kafka_subscription(topic)
        self._consumer: Consumer | None = None
        self._offsets: dict[Partition, PartitionOffsets] = {}
        self._trouble = Trouble()

    @property
    def where(self) -> str:
        """Return the brokers."""
        return self.params.brokers

    def connect(self) -> None:
        """Join the group, once a broker answers."""
        check_brokers(self.params, self._guard)
        self._trouble = trouble = Trouble()
        try:
            settings = self.params.consumer_settings()
            self._consumer = Consumer({**settings, "error_cb": trouble.note})
            find_brokers(self._consumer, trouble)
            self._consumer.subscribe(
                [self._topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )
        except KafkaException as error:  # a setting or a topic it does not know
            raise LinkLostError(text_of(error.args[0])) from error

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Wait for one message and take what else has come."""
        if self._consumer is None:
            raise LinkLostError("not connected")
        try:
            self._store_offsets(self._consumer)
            first = self._consumer.poll(timeout_s)
            # `consume` would wait for a full batch, hence no time for it.
            rest = self._consumer.consume(BATCH - 1, 0) if first is not None else []
        except KafkaException as error:
            raise LinkLostError(text_of(error.args[0])) from error
        received = [] if first is None else [first, *rest]
        if self._trouble.text is not None and not received:
            self._look_again(self._consumer, timeout_s)
        return [self._message(record) for record in received]

    def disconnect(self) -> None:
        """Commit what is processed and leave the group."""
        if self._consumer is not None:
            self._store_offsets(self._consumer)
            self._consumer.close()
            self._consumer = None
        self._offsets.clear()

    def _look_again(self, consumer: Consumer, timeout_s: float) -> None:
        """Raise LinkInterruptedError unless a broker answers again.

        The consumer stays: a new one would have to wait until the group gives up the
        old one's membership.
        """
        try:
            consumer.list_topics(timeout=timeout_s)
        except KafkaException as error:
            why = self._trouble.text or text_of(error.args[0])
            raise LinkInterruptedError(why) from error
        self._trouble.text = None

    def _store_offsets(self, consumer: Consumer) -> None:
        """Have the library commit what is processed, soon and at the latest at close.

        Done by the thread that polls: the library lets two threads wait for each other.
        """
        for (topic, partition), offsets in self._offsets.items():
            start = offsets.take_next()
            if start is None:
                continue
            try:
                consumer.store_offsets(
                    offsets=[TopicPartition(topic, partition, start)]
                )
            except KafkaException:
                # Another member has the partition now: it takes the messages again.
                continue

    def _message(self, record: Any) -> Message:
        error = record.error()
        if error is not None:
            raise LinkLostError(text_of(error))
        place = record.topic(), record.partition()
        offsets = self._offsets.get(place)
        if offsets is None:
            offsets = self._offsets[place] = PartitionOffsets()
        key = record.key()
        return Message(
            payload=record.value() or b"",
            topic=place[0],
            key=None if key is None else key.decode("utf-8", "replace"),
            acknowledge=partial(offsets.finish, offsets.add(record.offset())),
        )

    def _on_assign(
        self, consumer: Consumer, partitions: Iterable[TopicPartition]
    ) -> None:
        timeout = CONNECT_TIMEOUT_S
        assigned = consumer.committed(list(partitions), timeout=timeout)
        fresh = [partition for partition in assigned if partition.offset < 0]
        for partition in fresh:
            low, high = consumer.get_watermark_offsets(partition, timeout=timeout)
            partition.offset = high if self.params.offset == "latest" else low
        if fresh:
            consumer.commit(offsets=fresh, asynchronous=False)
        consumer.assign(assigned)

    def _on_revoke(
        self, _consumer: Consumer, partitions: Iterable[TopicPartition]
    ) -> None:
        for partition in partitions:
            self._offsets.pop((partition.topic, partition.partition), None)


def kafka_source(spec: SourceSpec, guard: Guard) -> PolledSource:
    """Make the source of a subscription."""
    return PolledSource(spec, KafkaSubscriber(spec, guard))
