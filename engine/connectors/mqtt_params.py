"""The parameters of an MQTT connector (vpl.md section 14)."""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from engine.connectors.base import ConnectorSpec, ConstantValue, SourceSpec

DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883
ADDRESS_NAMES = ("host", "url", "brokers", "servers", "base_url")
TLS_SCHEMES = frozenset({"mqtts", "ssl", "tls"})
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MqttParams:
    """How to reach a broker; `topic` is "" when the declaration has none.

    Without `is_clean` the broker keeps the session of this client while it is away.
    """

    host: str
    port: int
    topic: str
    qos: int
    client_id: str
    username: str | None
    password: str | None = field(repr=False)
    tls: bool
    keep_alive_s: int
    is_clean: bool = True

    @classmethod
    def of(cls, spec: ConnectorSpec) -> Self:
        """Return the parameters of a declaration with defaults filled in.

        Without `client_id` the connector's name gets a random suffix: a broker throws
        out the older of two clients with one id.
        """
        params = spec.params
        address = next((params[n] for n in ADDRESS_NAMES if n in params), "localhost")
        host, port, tls = _split_address(str(address), bool(params.get("tls")))
        qos = params.get("qos")
        return cls(
            host=host,
            port=_whole(params.get("port"), port),
            topic=str(params.get("topic") or ""),
            qos=qos if isinstance(qos, int) and 0 <= qos <= 2 else 1,
            client_id=str(
                params.get("client_id") or f"{spec.name}-{secrets.token_hex(4)}"
            ),
            username=_text(params.get("username")),
            password=_text(params.get("password")),
            tls=tls,
            keep_alive_s=_seconds(params.get("keep_alive")),
        )


def source_params(spec: SourceSpec, owner: str) -> MqttParams:
    """Return the parameters of a subscription, under a client id of its own.

    With `client_id`, or in a process whose name survives restarts (`owner`), that id
    is always the same, so that the broker delivers again what was not acknowledged.
    """
    params = MqttParams.of(spec.connector)
    given = spec.connector.params.get("client_id")
    if not (given or owner):
        return params
    whose = () if given else (owner, spec.connector.pipeline)
    told = "\0".join((*whose, spec.connector.name, spec.topic, str(params.qos)))
    tail = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=4)
    client_id = f"{given or spec.connector.name}-{tail.hexdigest()}"
    return replace(params, client_id=client_id, is_clean=params.qos == 0)


def _split_address(address: str, tls: bool) -> tuple[str, int, bool]:
    """Return host, default port and TLS of `host`, `host:port` or `mqtt://..`."""
    parts = urlsplit(address if "://" in address else f"mqtt://{address}")
    tls = tls or parts.scheme in TLS_SCHEMES
    port = parts.port or (DEFAULT_TLS_PORT if tls else DEFAULT_PORT)
    return parts.hostname or "localhost", port, tls


def _whole(value: ConstantValue, default: int) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole else default  # type: ignore[return-value] # narrowed above


def _text(value: ConstantValue) -> str | None:
    return None if value is None else str(value)


def _seconds(value: ConstantValue) -> int:
    """Return a keep-alive in seconds; durations arrive in nanoseconds."""
    number = _whole(value, 60)
    return max(1, number // NS_PER_S if number >= NS_PER_S else number)
