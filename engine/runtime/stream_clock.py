"""The clock of a stream (vpl.md 12.2)."""

from typing import Any, Final

from engine.runtime.state import FOREVER, Codec

NEVER: Final = -(2**63)
"""What a clock shows before the first event, in ns."""


class StreamClock:
    """The greatest event timestamp a stream consumed, and when something is due.

    `now` and `due` are integer ns. Generated code moves `now`; states lower `due`.
    """

    __slots__ = ("due", "now")

    def __init__(self) -> None:
        self.now = NEVER
        self.due = FOREVER

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data; what is due follows from the states."""
        return {"now": self.now}

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.now = data["now"]
