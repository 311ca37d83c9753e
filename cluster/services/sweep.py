"""The periodic look at the whole cluster (api.md 6.1, 6.6)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did. `skipped`: another process holds the lease."""

    skipped: bool = False
    unhealthy: tuple[str, ...] = ()
    reassigned: int = 0
    retried: int = 0


def run_sweep(now: datetime) -> SweepReport:
    """Mark silent workers, fail over, retry, tidy up.

    Safe to run twice, late or at the same time in several processes.
    """
    raise NotImplementedError
