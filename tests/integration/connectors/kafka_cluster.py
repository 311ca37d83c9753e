"""librdkafka's own broker for tests, which speaks the real protocol over TCP.

The Python client hides how to stop it for a while; the library itself has that.
"""

import ctypes
from pathlib import Path

import confluent_kafka

PRODUCER = 0
BROKER_ID = 1
UNKNOWN_TOPIC = 3


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka*"))
    assert found, f"no librdkafka in {folder}: install confluent-kafka as a wheel"
    library = ctypes.CDLL(str(found[0]))
    for name, result in {
        "rd_kafka_conf_new": ctypes.c_void_p,
        "rd_kafka_new": ctypes.c_void_p,
        "rd_kafka_mock_cluster_new": ctypes.c_void_p,
        "rd_kafka_mock_cluster_bootstraps": ctypes.c_char_p,
        "rd_kafka_mock_cluster_destroy": None,
        "rd_kafka_destroy": None,
    }.items():
        getattr(library, name).restype = result
    return library


class KafkaCluster:
    """One broker; what it holds survives `stop` and `start`."""

    def __init__(self) -> None:
        self._library = _library()
        conf = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        error = ctypes.create_string_buffer(256)
        handle = self._library.rd_kafka_new(PRODUCER, conf, error, len(error))
        assert handle, error.value
        self._handle = ctypes.c_void_p(handle)
        self._cluster = ctypes.c_void_p(
            self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        )
        # Brokers wait 3 s for more members of a new group; tests have no more.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    @property
    def brokers(self) -> str:
        address = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return address.decode()

    def make_topic(self, name: str, partitions: int = 1) -> None:
        self._library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), partitions, 1
        )

    def refuse_topic(self, name: str) -> None:
        """Answer whoever asks for a topic that there is none."""
        self._library.rd_kafka_mock_topic_set_error(
            self._cluster, name.encode(), UNKNOWN_TOPIC
        )

    def stop(self) -> None:
        """Cut all connections and take no new ones."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, BROKER_ID)

    def start(self) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._cluster, BROKER_ID)

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)
