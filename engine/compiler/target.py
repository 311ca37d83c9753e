"""What the two forms of programs offer to streams."""

from collections.abc import Sequence
from typing import Protocol

from engine.compiler.current import Current
from engine.compiler.lines import Lines
from engine.compiler.plan import StreamPlan


class Target(Protocol):
    """Where outputs and final events of a stream go.

    `params` are the parameters that functions of the stream get for it.
    """

    @property
    def params(self) -> Sequence[str]:
        """Return the parameters."""
        ...

    def enter(self, lines: Lines) -> None:
        """Write the first lines of a function of the stream."""
        ...

    def leave(self) -> None:
        """End a function of the stream."""
        ...

    def mark(self, stream: StreamPlan, lines: Lines) -> None:
        """Write the lines that tell from where on an event that is dropped counts."""
        ...

    def output(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Write the lines that keep one output."""
        ...

    def outputs(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Write the lines that keep a list of outputs."""
        ...

    def final(self, stream: StreamPlan, current: Current, lines: Lines) -> None:
        """Write the lines that hand a final event to the consumers."""
        ...

    def finals(self, stream: StreamPlan, emits: str, stamp: str, lines: Lines) -> None:
        """Write the lines that hand a list of emitted events to the consumers.

        `emits` is the variable of outputs and columns, `stamp` the text of their time.
        """
        ...

    def has_consumers(self, stream: StreamPlan) -> bool:
        """Tell whether final events go anywhere."""
        ...
