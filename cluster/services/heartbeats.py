"""Take in the reports of workers (api.md 5.2, 6.2, 6.3, 6.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class HeartbeatVerdict(StrEnum):
    """How a heartbeat was taken; all but `acknowledged` are error codes."""

    ACKNOWLEDGED = "acknowledged"
    WORKER_UNKNOWN = "worker_unknown"
    WORKER_DEREGISTERED = "worker_deregistered"
    WORKER_REPLACED = "worker_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One report of a worker whose key has been checked.

    `pipelines` is None if the worker did not report them; values are as decoded from
    JSON and of unknown shape inside. `received_at` defaults to the time of recording.
    """

    worker_id: str
    events_processed: int = 0
    pipelines_running: int | None = None
    instance_id: str = ""
    load: Mapping[str, Any] | None = None
    stopping: bool = False
    pipelines: Sequence[Mapping[str, Any]] | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatOutcome:
    """What the worker is told.

    `actions` is ready for JSON and goes out as `actions` when not empty. For a
    deregistered worker `remove_pipelines` goes out in `details`.
    """

    verdict: HeartbeatVerdict
    actions: tuple[dict[str, Any], ...] = ()
    remove_pipelines: bool = False


def record_heartbeats(
    beats: Sequence[Heartbeat], now: datetime
) -> dict[str, HeartbeatOutcome]:
    """Store the reports, change statuses, reconcile placements; answer per worker.

    Synchronous and short: no call to a worker is made here. Work that follows, such as
    deploying a lost pipeline again, is handed to the background on commit. Several
    reports of one worker count in the order given, the last outcome is answered.
    """
    raise NotImplementedError
