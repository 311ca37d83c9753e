"""Who is told of what a pipeline gives, besides those who wait for a reply."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from engine.runtime.columns import count_events, each_output
from engine.runtime.executors import Faults, Watch

logger = logging.getLogger("varpulis")


class Audience:
    """Watchers of everything, and `on_outputs` for what nobody waits for.

    `late_outputs` counts what came after its reply had timed out.
    """

    def __init__(self, name: str) -> None:
        self.on_outputs: Callable[[list[Any]], None] | None = None
        self.late_outputs = 0
        self._name = name
        self._watchers: tuple[Watch, ...] = ()
        self._late = threading.Lock()

    def __bool__(self) -> bool:
        """Tell whether somebody watches."""
        return bool(self._watchers)

    def add(self, watcher: Watch) -> None:
        """Tell `watcher` of everything from now on."""
        self._watchers = (*self._watchers, watcher)

    def remove(self, watcher: Watch) -> None:
        """Tell it of nothing any more."""
        left = (known for known in self._watchers if known != watcher)
        self._watchers = tuple(left)

    def tell(self, made: list[Any], faults: Faults) -> None:
        """Tell those who watch."""
        for watcher in self._watchers:
            watcher(made, faults)

    def publish(self, made: list[Any], faults: Faults) -> None:
        """Hand on what nobody waits for."""
        for fault in faults:
            logger.warning("pipeline '%s': %s", self._name, fault["message"])
        if made and self.on_outputs is not None:
            self.on_outputs(list(each_output(made)))

    def take_late(self, made: list[Any], faults: Faults) -> None:
        """Hand on what came after its reply; called in the threads of contexts."""
        # These threads must not wait for the pipeline's lock: it may wait for them.
        with self._late:
            self.late_outputs += count_events(made)
            self.tell(made, faults)
            self.publish(made, faults)
