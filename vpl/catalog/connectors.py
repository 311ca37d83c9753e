"""The connector kinds of vpl.md section 14 and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ParamKind = Literal["text", "int", "bool", "duration", "ints", "time_unit", "any"]

_ADDRESS: dict[str, ParamKind] = dict.fromkeys(
    ("url", "host", "brokers", "servers", "base_url"), "text"
)


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A kind of connector: its directions and the parameters it knows.

    `ignored` are parameter names that are accepted without effect (W082).
    """

    name: str
    source: bool
    sink: bool
    enriches: bool = False
    params: Mapping[str, ParamKind] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()


def _texts(*names: str) -> dict[str, ParamKind]:
    return dict.fromkeys(names, "text")


TIME_UNITS = ("s", "ms", "us", "ns")
"""Units of numbers that stand for instants."""

_EVENT_TIME: dict[str, ParamKind] = {"time_field": "text", "time_unit": "time_unit"}

CONNECTOR_KINDS: dict[str, ConnectorKind] = {
    kind.name: kind
    for kind in (
        ConnectorKind(
            "mqtt",
            source=True,
            sink=True,
            params=_ADDRESS
            | _texts("topic", "client_id", "username", "password")
            | {"port": "int", "qos": "int", "tls": "bool", "keep_alive": "any"},
        ),
        ConnectorKind(
            "nats",
            source=True,
            sink=True,
            params=_ADDRESS
            | _texts("topic", "subject", "queue_group", "stream", "durable"),
        ),
        ConnectorKind(
            "kafka",
            source=True,
            sink=True,
            params=_ADDRESS
            | _texts("group_id", "topic", "offset", "compression_type")
            | {
                "batch_size": "int",
                "linger_ms": "int",
                "key": "any",
                "exactly_once": "bool",
            },
        ),
        ConnectorKind(
            "redis",
            source=True,
            sink=True,
            enriches=True,
            params=_ADDRESS | _texts("topic", "group") | {"maxlen": "int"},
        ),
        ConnectorKind(
            "http",
            source=False,
            sink=True,
            enriches=True,
            params=_ADDRESS
            | _texts("method", "topic")
            | {"headers": "any", "timeout": "duration"},
        ),
        ConnectorKind(
            "websocket",
            source=True,
            sink=False,
            params=_ADDRESS | _texts("topic") | {"headers": "any"},
        ),
        ConnectorKind(
            "file",
            source=True,
            sink=True,
            params=_texts("path", "topic") | {"tail": "bool"},
        ),
        ConnectorKind(
            "console", source=False, sink=True, params=_texts("format", "topic")
        ),
        ConnectorKind(
            "database",
            source=False,
            sink=False,
            enriches=True,
            params=_ADDRESS | _texts("query"),
        ),
    )
}

SOURCE_PARAMS: Mapping[str, ParamKind] = _EVENT_TIME
"""Parameters that every `.from` takes besides those of its connector kind."""

CONTEXT_PARAMS: Mapping[str, ParamKind] = {"cores": "ints"}


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A package that is installed with an extra: `pip install 'varpulis[extra]'`."""

    module: str
    extra: str


OPTIONAL_PACKAGES: Mapping[str, OptionalPackage] = {
    "nats": OptionalPackage("nats", "nats"),
    "kafka": OptionalPackage("confluent_kafka", "kafka"),
    "redis": OptionalPackage("redis", "redis"),
    "websocket": OptionalPackage("websockets", "websocket"),
    "score": OptionalPackage("onnxruntime", "score"),
}
"""What connectors, by kind, and operations need besides Varpulis itself.

`database` is not listed: with `sqlite:///` it needs nothing.
"""
