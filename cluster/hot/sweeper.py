"""The sweep inside the coordinator, for when no broker runs it elsewhere."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections

from cluster.metrics import SERIES
from cluster.services.sweep import SweepReport, run_sweep

logger = logging.getLogger("varpulis_cluster")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sweeper:
    """Sweeps at a fixed interval, in a thread of its own; never twice at once.

    A sweep that fails is logged and the next one comes all the same.
    """

    def __init__(
        self,
        *,
        interval_s: float,
        sweep: Callable[[datetime], SweepReport] = run_sweep,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Keep what to run; nothing runs before `start`."""
        self._interval_s = interval_s
        self._sweep = sweep
        self._now = now
        self._ended = threading.Event()
        self._finished_s: float | None = None
        self._thread = threading.Thread(
            target=self._run, name="varpulis-sweeper", daemon=True
        )

    def start(self) -> None:
        """Sweep from one interval from now on."""
        self._finished_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Let a running sweep end, then sweep no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def age_s(self) -> float | None:
        """Return the seconds since the last good sweep, None if none runs here."""
        if self._finished_s is None:
            return None
        return time.monotonic() - self._finished_s

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            try:
                self.sweep_once()
            except DatabaseError as error:
                logger.warning("The sweep could not read the database: %s", error)
            except Exception:  # a thread's end is a process boundary
                logger.exception("The sweep failed")
            finally:
                close_old_connections()

    def sweep_once(self) -> SweepReport:
        """Sweep now and note that it was done."""
        with SERIES.sweep_duration.time():
            report = self._sweep(self._now())
        self._finished_s = time.monotonic()
        return report
