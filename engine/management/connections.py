"""What a running program is connected to, told as it changes."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Connection(Protocol):
    """A sink, or a source with the streams that read from it."""

    @property
    def connected(self) -> bool:
        """Tell whether the far side can be reached at present."""
        ...

    def status(self) -> dict[str, Any]:
        """Return counters and the last error."""
        ...


class Connections:
    """Watches connections by name; `say` is told what becomes of them."""

    def __init__(
        self, watched: Iterable[tuple[str, Connection]], say: Callable[[str], None]
    ) -> None:
        self._watched = list(watched)
        self._say = say
        self._known = [False] * len(self._watched)
        self._ever = [False] * len(self._watched)

    def look(self) -> None:
        """Tell which connections were made or lost since the last look."""
        for at, (name, connection) in enumerate(self._watched):
            is_up = connection.connected
            if is_up != self._known[at]:
                self._known[at] = is_up
                self._ever[at] |= is_up
                self._say(f"{name}: {'connected' if is_up else 'connection lost'}")

    def missing(self) -> list[str]:
        """Return the connections that were never made, with their last errors.

        What has carried events was connected, whoever was looking.
        """
        found = []
        for at, (name, connection) in enumerate(self._watched):
            status = connection.status()
            if not (self._ever[at] or status.get("sent") or status.get("received")):
                found.append(f"{name}: {status.get('error') or 'no connection'}")
        return found
