"""The parameters of a Kafka connector (vpl.md section 14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.connectors.address import addresses_of
from engine.connectors.base import ConnectorSpec, ConstantValue

DEFAULT_BROKERS = "localhost:9092"
DEFAULT_PORT = 9092
OFFSETS = {"beginning": "earliest", "end": "latest"}

CONNECT_TIMEOUT_S = 5.0
MESSAGE_TIMEOUT_S = 10.0  # of one try
NEW_TOPIC_S = 5.0  # until a topic that the brokers do not know counts as missing
COMMIT_INTERVAL_S = 1.0
# After so long without a sign of life a group gives a member's partitions to others,
# its own successor among them.
SESSION_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class KafkaParams:
    """Brokers and settings; `topic` and `key` are "" when there is none."""

    brokers: str
    topic: str
    key: str
    group_id: str
    offset: str
    tuning: Mapping[str, Any]

    @classmethod
    def of(cls, spec: ConnectorSpec, params: Mapping[str, ConstantValue]) -> Self:
        """Return the parameters of a use with defaults filled in."""
        offset = str(params.get("offset") or "latest")
        return cls(
            brokers=",".join(
                _with_port(broker) for broker in addresses_of(params, DEFAULT_BROKERS)
            ),
            topic=str(params.get("topic") or ""),
            key=str(params.get("key") or ""),
            group_id=str(params.get("group_id") or spec.pipeline or spec.name),
            offset=OFFSETS.get(offset, offset),
            tuning=_tuning(params),
        )

    def producer_settings(self) -> dict[str, Any]:
        """Return the library's settings: all replicas, in order, without doubles."""
        return {
            **self._common_settings(),
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": int(MESSAGE_TIMEOUT_S * 1000),
            "topic.metadata.propagation.max.ms": int(NEW_TOPIC_S * 1000),
            **self.tuning,
        }

    def consumer_settings(self) -> dict[str, Any]:
        """Return the library's settings: only offsets we store are committed."""
        return {
            **self._common_settings(),
            "group.id": self.group_id,
            "session.timeout.ms": int(SESSION_TIMEOUT_S * 1000),
            "auto.offset.reset": self.offset,
            "enable.auto.offset.store": False,
            "enable.auto.commit": True,
            "auto.commit.interval.ms": int(COMMIT_INTERVAL_S * 1000),
        }

    def _common_settings(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.brokers,
            "client.id": "varpulis",
            "log_level": 2,  # the connector tells of errors itself, once
            "socket.connection.setup.timeout.ms": int(CONNECT_TIMEOUT_S * 1000),
            "reconnect.backoff.max.ms": 1000,
        }


def _with_port(broker: str) -> str:
    host = broker.partition("://")[2] or broker
    host = host.rstrip("/")
    return host if ":" in host else f"{host}:{DEFAULT_PORT}"


def _tuning(params: Mapping[str, ConstantValue]) -> dict[str, Any]:
    names = {
        "batch_size": "batch.size",
        "linger_ms": "linger.ms",
        "compression_type": "compression.type",
    }
    return {
        theirs: params[ours]
        for ours, theirs in names.items()
        if params.get(ours) is not None
    }
