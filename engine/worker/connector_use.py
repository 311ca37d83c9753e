"""The connectors of a pipeline as status pages and metrics show them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.connectors.base import ConnectorSpec, Sink
from engine.runtime.sourcehub import Subscription


@dataclass(frozen=True, slots=True)
class ConnectorUse:
    """One connector in one direction, with what it says of itself."""

    spec: ConnectorSpec
    direction: Literal["in", "out"]
    connected: bool
    status: Mapping[str, Any]

    @property
    def messages(self) -> int:
        """Return how many messages went through it."""
        return self.count("received" if self.direction == "in" else "sent")

    def count(self, name: str) -> int:
        """Return one of its counters, 0 if it has none of that name."""
        value: int = self.status.get(name, 0)
        return value

    def as_json(self) -> dict[str, Any]:
        """Return name, type, direction, state and all it says of itself."""
        return {
            **self.status,
            "name": self.spec.name,
            "type": self.spec.kind,
            "direction": self.direction,
            "connected": self.connected,
        }


def connector_uses(
    subscriptions: Iterable[Subscription], sinks: Iterable[tuple[ConnectorSpec, Sink]]
) -> list[ConnectorUse]:
    """Return sources, then sinks, as they are now."""
    sources = [
        ConnectorUse(used.spec.connector, "in", used.connected, used.status())
        for used in subscriptions
    ]
    return sources + [
        ConnectorUse(spec, "out", sink.connected, sink.status()) for spec, sink in sinks
    ]
