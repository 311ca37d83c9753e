"""The parameters of a NATS connector (vpl.md section 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from engine.connectors.address import addresses_of, without_secrets
from engine.connectors.base import ConnectorSpec, ConstantValue

DEFAULT_SERVER = "nats://localhost:4222"


@dataclass(frozen=True, slots=True)
class NatsParams:
    """Servers and names; `topic`, `queue_group` and `stream` are "" without one.

    With a `stream` events go through JetStream, and are acknowledged.
    """

    servers: tuple[str, ...] = field(repr=False)  # may hold passwords
    name: str
    topic: str
    queue_group: str
    stream: str
    durable: str

    @classmethod
    def of(cls, spec: ConnectorSpec, params: Mapping[str, ConstantValue]) -> Self:
        """Return the parameters of a use with defaults filled in."""
        return cls(
            servers=tuple(addresses_of(params, DEFAULT_SERVER)),
            name=f"varpulis {spec.pipeline or spec.name}",
            topic=str(params.get("topic") or params.get("subject") or ""),
            queue_group=str(params.get("queue_group") or ""),
            stream=str(params.get("stream") or ""),
            durable=str(params.get("durable") or ""),
        )

    @property
    def where(self) -> str:
        """Return the servers without passwords."""
        return ",".join(without_secrets(server) for server in self.servers)


def durable_name(pipeline: str, subject: str) -> str:
    """Return the consumer's name for a pipeline that gives none: one per subject."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{pipeline}-{subject}")
