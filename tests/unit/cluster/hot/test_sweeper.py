"""The sweep inside the coordinator."""

import threading
from datetime import UTC, datetime

from cluster.hot.sweeper import Sweeper
from cluster.services.sweep import SweepReport

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_it_hands_the_time_to_the_sweep() -> None:
    seen: list[datetime] = []

    def sweep(now: datetime) -> SweepReport:
        seen.append(now)
        return SweepReport(unhealthy=("w",))

    sweeper = Sweeper(interval_s=60, sweep=sweep, now=lambda: NOW)
    assert sweeper.age_s() is None
    assert sweeper.sweep_once().unhealthy == ("w",)
    assert seen == [NOW]
    assert sweeper.age_s() is not None


def test_a_sweep_that_fails_does_not_end_it() -> None:
    swept = threading.Semaphore(0)
    calls: list[int] = []

    def sweep(now: datetime) -> SweepReport:
        calls.append(1)
        swept.release()
        if len(calls) == 1:
            raise ValueError("broken")
        return SweepReport()

    sweeper = Sweeper(interval_s=0.001, sweep=sweep, now=lambda: NOW)
    sweeper.start()
    assert swept.acquire(timeout=10)
    assert swept.acquire(timeout=10)
    sweeper.stop()
