"""What a stateful operation keeps, as checkpoints see it (vpl.md section 16)."""

from typing import Any, Final, Protocol, runtime_checkable

from engine.limits import Limits
from engine.runtime.frame import Frame

FOREVER: Final = 2**63 - 1
"""A due time that never comes, in ns."""
END_OF_TIME: Final = FOREVER - 1
"""How far `flush` lets time run, in ns."""


class Codec(Protocol):
    """Writes values of the language, rows and outputs as JSON-able data and back."""

    def to_data(self, value: Any) -> Any:
        """Return JSON-able data for a value, a row, an output, or a list of them."""
        ...

    def from_data(self, data: Any) -> Any:
        """Return what `to_data` was given."""
        ...


class State(Protocol):
    """The state of one operation of one stream; made when the program is compiled."""

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds, before the first event."""
        ...

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data; nothing in it is shared."""
        ...

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        ...


@runtime_checkable
class Deadlines(Protocol):
    """A state that something is due in: `due` is the next time in ns."""

    due: int
