"""What a sink promises to a pipeline."""

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

    def send(self, topic: str, events: Sequence[bytes], *, stream: str) -> None:
        """Take `events`, each one flat JSON object, in order.

        Holds the caller for at most 5 s when the buffer of 10 000 events is full, then
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
