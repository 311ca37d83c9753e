"""What a pipeline gives and complains of, for whoever watches it now."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from engine.encoding import encode
from engine.runtime.columns import count_events, each_output

WAITING_LIMIT = 10_000  # entries a watcher may be behind

Entry = tuple[str, Any]
"""`output` with an event, `log` with a fault, or `dropped` with a count."""


class Watcher:
    """Entries that wait for one reader; further ones are counted and left out.

    Pipelines put entries in from any thread; the reader lives on an event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, kinds: frozenset[str]) -> None:
        self._loop = loop
        self._kinds = kinds
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque()
        self._dropped = 0
        self._is_over = False
        self._something = asyncio.Event()

    def take_up(self, made: list[Any], faults: Sequence[dict[str, Any]]) -> None:
        """Keep what was made as far as there is room."""
        with self._lock:
            if "output" in self._kinds and made:
                self._keep("output", each_output(made), count_events(made))
            if "log" in self._kinds and faults:
                self._keep("log", iter(faults), len(faults))
        self._wake()

    def end(self) -> None:
        """Let the reader stop after what waits."""
        self._is_over = True
        self._wake()

    async def read(self, timeout_s: float) -> list[Entry] | None:
        """Return what has come since; empty after `timeout_s`, None at the end."""
        try:
            await asyncio.wait_for(self._something.wait(), timeout_s)
        except TimeoutError:
            return []
        self._something.clear()
        with self._lock:
            entries = list(self._entries)
            self._entries.clear()
            dropped, self._dropped = self._dropped, 0
        if dropped:
            entries.append(("dropped", dropped))
        if self._is_over and not entries:
            return None
        if self._is_over:
            self._something.set()
        return entries

    def _keep(self, kind: str, entries: Iterator[Any], count: int) -> None:
        room = WAITING_LIMIT - len(self._entries)
        self._entries.extend((kind, entry) for entry in islice(entries, room))
        self._dropped += max(0, count - room)

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._something.set)


class OutputLog:
    """The watchers of one pipeline; costs nothing while there are none."""

    def __init__(self, watch: Callable[[Any], Callable[[], None]]) -> None:
        self._watch = watch
        self._watchers: dict[Watcher, Callable[[], None]] = {}

    def open(self, kinds: frozenset[str]) -> Watcher:
        """Return a watcher of what comes from now on."""
        watcher = Watcher(asyncio.get_running_loop(), kinds)
        self._watchers[watcher] = self._watch(watcher.take_up)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Watch no longer."""
        self._watchers.pop(watcher, lambda: None)()

    def close(self) -> None:
        """Let all watchers come to their end."""
        for watcher in tuple(self._watchers):
            watcher.end()
            self.leave(watcher)


def as_event(entry: Entry) -> bytes:
    """Return an entry as one server-sent event (WHATWG HTML, section 9.2)."""
    kind, value = entry
    data = {"count": value} if kind == "dropped" else value
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), encode(data))
