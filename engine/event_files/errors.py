"""What is wrong with an event file."""

from engine.errors import EngineError


class EventFileError(EngineError):
    """A file holds something that is no event; the message begins with its place."""

    def __init__(self, name: str, place: str, reason: str) -> None:
        super().__init__(f"{name}:{place}: {reason}" if place else f"{name}: {reason}")
        self.place = place
        self.reason = reason


class BadFileError(EngineError):
    """A file cannot be read at all, or not in the way that was asked for."""
