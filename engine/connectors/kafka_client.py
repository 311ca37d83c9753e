"""What Kafka producers and consumers share: finding the brokers, noticing trouble."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from engine.connectors.guard import Guard
from engine.connectors.kafka_params import (
    CONNECT_TIMEOUT_S,
    DEFAULT_PORT,
    KafkaParams,
)
from engine.connectors.link import LinkLostError
from engine.connectors.reach import check_reach

LOOK_S = 0.5


class Trouble:
    """What the library last reported that keeps a client from all brokers."""

    def __init__(self) -> None:
        self.text: str | None = None

    def note(self, error: KafkaError) -> None:
        """Take a report of the library: its `error_cb`."""
        if error.code() in {KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION}:
            self.text = text_of(error)


def check_brokers(params: KafkaParams, guard: Guard) -> None:
    """Raise LinkLostError unless the brokers are allowed."""
    check_reach(guard, "kafka", params.brokers.split(","), DEFAULT_PORT)


def find_brokers(client: Producer | Consumer, trouble: Trouble) -> None:
    """Wait until a broker answers; raises LinkLostError after 5 s or when all fail."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while True:
        try:
            client.list_topics(timeout=LOOK_S)
        except KafkaException as error:
            client.poll(0)  # serves `error_cb`
            if trouble.text is None and time.monotonic() < deadline:
                continue
            why = trouble.text or text_of(error.args[0])
            raise LinkLostError(f"cannot connect: {why}") from error
        trouble.text = None
        return


def text_of(error: KafkaError) -> str:
    """Return what the library says about an error."""
    return str(error.str() or error.name())
