"""The history of the cluster (api.md 5.11)."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cluster.models import ClusterEvent
from cluster.services.notify import EventRecorded, publish_on_commit
from cluster.timestamps import format_timestamp

logger = logging.getLogger("varpulis_cluster")

INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS = {INFO: logging.INFO, WARNING: logging.WARNING, ERROR: logging.ERROR}


def record_event(
    *,
    event_type: str,
    message: str,
    now: datetime,
    severity: str = INFO,
    worker_id: str = "",
    group_id: UUID | None = None,
    cause: str = "",
    data: Mapping[str, Any] | None = None,
) -> ClusterEvent:
    """Write one entry of the history, log it, and tell listeners on commit."""
    event = new_event(
        event_type=event_type,
        message=message,
        now=now,
        severity=severity,
        worker_id=worker_id,
        group_id=group_id,
        cause=cause,
        data=data,
    )
    event.save(force_insert=True)
    _tell(event)
    return event


def record_events(events: Sequence[ClusterEvent]) -> None:
    """Write many entries (`new_event`) with one statement; log and tell each."""
    for event in ClusterEvent.objects.bulk_create(events):
        _tell(event)


def new_event(
    *,
    event_type: str,
    message: str,
    now: datetime,
    severity: str = INFO,
    worker_id: str = "",
    group_id: UUID | None = None,
    cause: str = "",
    data: Mapping[str, Any] | None = None,
) -> ClusterEvent:
    """Return an entry that is not written yet."""
    return ClusterEvent(
        at=now,
        type=event_type,
        severity=severity,
        worker_id=worker_id,
        group_id=group_id,
        message=message,
        cause=cause,
        data=dict(data or {}),
    )


def record_event_once(*, key: str, event_type: str, **entry: Any) -> None:
    """Write an entry unless one of this type and `data.key` is there already."""
    if ClusterEvent.objects.filter(type=event_type, data__key=key).exists():
        return
    data = {**entry.pop("data", {}), "key": key}
    record_event(event_type=event_type, data=data, **entry)


def event_json(event: ClusterEvent) -> dict[str, Any]:
    """Return an entry in the form of api.md 5.11."""
    return {
        "seq": event.seq,
        "at": format_timestamp(event.at),
        "type": event.type,
        "severity": event.severity,
        "worker_id": event.worker_id or None,
        "group_id": str(event.group_id) if event.group_id else None,
        "message": event.message,
        "cause": event.cause or None,
        "operation_id": None,
        "data": event.data,
    }


def _tell(event: ClusterEvent) -> None:
    logger.log(LEVELS[event.severity], "%s: %s", event.type, event.message)
    publish_on_commit(EventRecorded(event_json(event)))
