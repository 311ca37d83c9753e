"""Who takes an event that is delivered under some names."""

from collections.abc import Callable
from typing import Any

StreamFunction = Callable[..., None]


class Route:
    """The consuming stream functions by context, in declaration order."""

    __slots__ = ("by_context",)

    def __init__(self) -> None:
        self.by_context: dict[str, list[StreamFunction]] = {}

    def add(self, context: str, function: Any) -> None:
        """Add the next consumer in declaration order."""
        self.by_context.setdefault(context, []).append(function)
