"""What sources, sinks and look-ups promise to a pipeline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

ConstantValue = str | int | float | bool | None | list[Any]


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A declared connector with its parameters evaluated.

    `params` maps names to constants; durations are integer nanoseconds and arrays are
    joined with commas. `pipeline` is the name of the pipeline that uses it.
    """

    name: str
    kind: str
    params: Mapping[str, ConstantValue] = field(default_factory=dict)
    pipeline: str = ""


class Sink(Protocol):
    """Takes encoded events out of a pipeline.

    `open` is called once before the first `send`, `close` once after the last; nothing
    is called after `close`. `send` may be called from several threads at once, one per
    context.
    """

    @property
    def connected(self) -> bool:
        """Tell whether the far side can be reached at present."""
        ...

    def open(self) -> None:
        """Start connecting; return at once and retry in the background."""
        ...

    def send(
        self, topic: str, messages: Sequence[bytes], *, stream: str, events: int = 1
    ) -> None:
        """Take messages in order: each one event, a flat JSON object.

        With `events` each is an array of so many of them, sent and acknowledged as a
        whole. Holds the caller for at most 5 s when the buffer of 10 000 events is full, then
        turns to the dead letters. Never raises.
        """
        ...

    def close(self, timeout_s: float) -> None:
        """Deliver what is buffered for at most `timeout_s`, then let go."""
        ...

    def status(self) -> dict[str, Any]:
        """Return counters and the last error, for status pages and metrics."""
        ...


SinkFactory = Callable[[ConnectorSpec], Sink]


@dataclass(frozen=True, slots=True)
class Message:
    """What a source received: at best a JSON object with an event, or an array of them.

    `acknowledge` tells the far side that the message needs no second delivery. It may
    be called from any thread, at most once, and never raises; where the far side knows
    no acknowledgements, or has gone meanwhile, it does nothing.
    """

    payload: bytes
    topic: str
    key: str | None
    acknowledge: Callable[[], None]


Deliver = Callable[[Sequence[Message]], None]
"""Takes messages in their order into the pipeline.

Blocks while the pipeline is busy, which is how a source is slowed down. Acknowledges
each message once it is processed or kept as a dead letter; after a close it may leave
messages unacknowledged, so that they come again. Never raises.
"""


class Source(Protocol):
    """Brings messages of one topic into a pipeline.

    `open` is called once, `close` once; after `close` returns nothing is delivered
    any more.
    """

    @property
    def connected(self) -> bool:
        """Tell whether messages can arrive at present."""
        ...

    def open(self, deliver: Deliver) -> None:
        """Start a thread that connects, with backoff for ever; never raises."""
        ...

    def close(self, timeout_s: float) -> None:
        """Stop taking messages and wait at most `timeout_s` for a last delivery.

        Messages not delivered by then stay unacknowledged.
        """
        ...

    def status(self) -> dict[str, Any]:
        """Return counters and the last error, for status pages and metrics."""
        ...


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What to subscribe to: streams with an equal one share one source.

    `topic` is empty when neither the use nor the connector names one: the source then
    takes its kind's default. `params` holds the declaration's parameters overridden
    by those of the `.from`, in the form of `ConnectorSpec.params`.
    """

    connector: ConnectorSpec
    topic: str
    params: Mapping[str, ConstantValue] = field(default_factory=dict)


SourceFactory = Callable[[SourceSpec], Source]


class LookupFailedError(Exception):
    """A look-up gave no answer: timeout, network, or an answer of the wrong form."""


class Lookup(Protocol):
    """Finds the record of a key in an external system, for `enrich`.

    `find` may be called from several threads at once, also before the far side was
    ever reached; nothing is called after `close`.
    """

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the record of `key`, or None if there is none.

        Raises `LookupFailedError`, at the latest after `timeout_s`.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


LookupFactory = Callable[[ConnectorSpec], Lookup]
