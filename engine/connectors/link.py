"""The state of a connection that is made again for ever (vpl.md section 14)."""

import logging
import random
import threading
import time

logger = logging.getLogger("varpulis")

FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 30.0


class LinkLostError(OSError):
    """The far side cannot be reached, has refused us or has gone away."""


class LinkInterruptedError(LinkLostError):
    """The far side cannot be reached; the library connects again by itself."""


class Link:
    """Tells whether the far side is reached, why not, and paces the next try.

    Backoff doubles from 0.1 s to 30 s, with jitter, and starts again once something
    has gone well. Closing ends every wait; what is left to do then has until
    `deadline` (monotonic seconds).
    """

    def __init__(self, name: str, where: str) -> None:
        self.connected = False
        self.error: str | None = "not connected yet"
        self.closing = threading.Event()
        self.deadline = 0.0
        self._label = f"Connector '{name}' ({where})"
        self._backoff_s = FIRST_BACKOFF_S

    def begin_closing(self, timeout_s: float) -> None:
        """Give what is left `timeout_s` from now on."""
        self.deadline = time.monotonic() + timeout_s
        self.closing.set()

    @property
    def is_overdue(self) -> bool:
        """Tell whether a closing link has no time left."""
        return self.closing.is_set() and time.monotonic() >= self.deadline

    def note_connected(self) -> None:
        """Count as connected; the backoff starts again only after `note_progress`."""
        self.connected = True
        self.error = None
        logger.info("%s: connected", self._label)

    def note_progress(self) -> None:
        """Something has gone well."""
        self._backoff_s = FIRST_BACKOFF_S

    def note_lost(self, reason: str) -> None:
        """Count as disconnected; logs a reason when it is a new one."""
        self.connected = False
        if self.error != reason:
            logger.warning("%s: %s", self._label, reason)
        self.error = reason

    def pause(self) -> None:
        """Wait out the backoff; a closing link waits no longer than it may."""
        pause_s = self._backoff_s * (0.5 + 0.5 * random.random())  # noqa: S311 - jitter
        self._backoff_s = min(self._backoff_s * 2, LAST_BACKOFF_S)
        if not self.closing.is_set():
            self.closing.wait(pause_s)
        else:
            time.sleep(max(0.0, min(pause_s, self.deadline - time.monotonic())))
