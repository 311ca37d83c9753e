"""Take in the reports of workers (api.md 5.2, 6.2, 6.3, 6.6)."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from cluster import conf
from cluster.models import Worker
from cluster.services.group_status import refresh_group_status
from cluster.services.health import (
    mark_alive,
    mark_stopped,
    refresh_groups_of,
    status_by_load,
)
from cluster.services.reconciliation import (
    ReconcileResult,
    WorkerReport,
    parse_reported,
    reconcile_workers,
)
from cluster.services.topology import load_cluster_state
from cluster.state import WorkerStatus

SETTLING_INTERVALS = 2  # reports a fresh placement may be missing from
LARGEST_COUNTER = 2**63 - 1
LARGEST_COUNT = 2**31 - 1

Row = tuple[Any, int, int, str, str]  # time, running, events, load, id


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
    deregistered worker `remove_pipelines` goes out in `details`. `is_unsettled`: a
    pipeline is on its way or amiss, so an equal report has to be recorded again.
    """

    verdict: HeartbeatVerdict
    actions: tuple[dict[str, Any], ...] = ()
    remove_pipelines: bool = False
    is_unsettled: bool = False


def record_heartbeats(
    beats: Sequence[Heartbeat], now: datetime
) -> dict[str, HeartbeatOutcome]:
    """Store the reports, change statuses, reconcile placements; answer per worker.

    Synchronous and short: no call to a worker is made here. Work that follows, such as
    deploying a lost pipeline again, is handed to the background on commit. Several
    reports of one worker count in the order given, the last outcome is answered.
    """
    quiet = _quiet(beats)
    if quiet:
        with transaction.atomic():
            _write([_row(beat, beat.load or {}, now) for beat in quiet.values()])
    telling = [beat for beat in beats if beat.worker_id not in quiet]
    outcomes = dict.fromkeys(quiet, HeartbeatOutcome(HeartbeatVerdict.ACKNOWLEDGED))
    return outcomes | _record_telling(telling, now) if telling else outcomes


def _quiet(beats: Sequence[Heartbeat]) -> dict[str, Heartbeat]:
    """Return the reports that change nothing but figures; they need no model.

    Such a report says nothing of pipelines, is the only one of its worker, comes from
    the process that is registered, and leaves the worker's status as it is.
    """
    asked = Counter(beat.worker_id for beat in beats)
    few = {
        beat.worker_id: beat
        for beat in beats
        if beat.pipelines is None and beat.load is not None and not beat.stopping
    }
    rows = Worker.objects.filter(id__in=few, deregistered_at=None).values_list(
        "id", "status", "instance_id", "pipelines_running", "max_pipelines"
    )
    found: dict[str, Heartbeat] = {}
    for worker_id, status, instance_id, running, room in rows if few else ():
        beat = few[worker_id]
        if beat.pipelines_running != running or asked[worker_id] > 1:
            continue
        if beat.instance_id and instance_id and beat.instance_id != instance_id:
            continue
        old = WorkerStatus(status)
        if status_by_load(old, running=running, room=room) is old:
            found[worker_id] = beat
    return found


def _record_telling(
    beats: Sequence[Heartbeat], now: datetime
) -> dict[str, HeartbeatOutcome]:
    workers = Worker.objects.in_bulk({beat.worker_id for beat in beats})
    outcomes = {b.worker_id: _judge(b, workers.get(b.worker_id)) for b in beats}
    taken = [
        beat
        for beat in beats
        if outcomes[beat.worker_id].verdict is HeartbeatVerdict.ACKNOWLEDGED
    ]
    if not taken:
        return outcomes
    with transaction.atomic():
        _store(taken, workers, now)
        turned = [
            beat.worker_id
            for beat in taken
            if _update_status(beat, workers[beat.worker_id], now)
        ]
        result = _reconcile(taken, workers, now)
    refresh_group_status(group_ids=result.group_ids, now=now)
    refresh_groups_of(worker_ids=turned, now=now)
    for worker_id, actions in result.actions.items():
        outcomes[worker_id] = HeartbeatOutcome(
            HeartbeatVerdict.ACKNOWLEDGED,
            actions,
            is_unsettled=worker_id in result.unsettled,
        )
    return outcomes


def _judge(beat: Heartbeat, worker: Worker | None) -> HeartbeatOutcome:
    if worker is None:
        return HeartbeatOutcome(HeartbeatVerdict.WORKER_UNKNOWN)
    if worker.deregistered_at is not None:
        return HeartbeatOutcome(
            HeartbeatVerdict.WORKER_DEREGISTERED,
            remove_pipelines=not worker.keeps_pipelines,
        )
    told_apart = bool(beat.instance_id and worker.instance_id)
    if told_apart and beat.instance_id != worker.instance_id:
        return HeartbeatOutcome(HeartbeatVerdict.WORKER_REPLACED)
    return HeartbeatOutcome(HeartbeatVerdict.ACKNOWLEDGED)


def _store(
    beats: Sequence[Heartbeat], workers: Mapping[str, Worker], now: datetime
) -> None:
    rows = []
    for beat in beats:
        worker = workers[beat.worker_id]
        worker.last_heartbeat_at = beat.received_at or now
        if beat.pipelines_running is not None:
            worker.pipelines_running = _within(beat.pipelines_running, LARGEST_COUNT)
        load = worker.load if beat.load is None else beat.load
        running = worker.pipelines_running
        rows.append(_row(replace(beat, pipelines_running=running), load, now))
    _write(rows)


def _row(beat: Heartbeat, load: Mapping[str, Any], now: datetime) -> Row:
    """Return the figures of a report, cut to what the columns take.

    One worker's nonsense must not cost the others their reports, which are written in
    the same statement.
    """
    return (
        connection.ops.adapt_datetimefield_value(beat.received_at or now),
        beat.pipelines_running or 0,
        _within(beat.events_processed, LARGEST_COUNTER),
        json.dumps(dict(load)),
        beat.worker_id,
    )


def _write(rows: Sequence[Row]) -> None:
    """Write the figures of many reports in one statement.

    One `executemany` costs a hundredth of `bulk_update` (performance.md).
    """
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE cluster_worker SET last_heartbeat_at = %s, pipelines_running = %s,"
            " events_processed = %s, load = %s WHERE id = %s",
            rows,
        )


def _within(figure: int, largest: int) -> int:
    return min(max(figure, 0), largest)


def _update_status(beat: Heartbeat, worker: Worker, now: datetime) -> bool:
    """Return whether the worker turned unhealthy or well again."""
    if beat.stopping:
        return mark_stopped(worker, now)
    old = WorkerStatus(worker.status)
    new = status_by_load(
        old, running=worker.pipelines_running, room=worker.max_pipelines
    )
    return new is not old and mark_alive(worker, new, now)


def _reconcile(
    beats: Sequence[Heartbeat], workers: Mapping[str, Worker], now: datetime
) -> ReconcileResult:
    interval = timedelta(seconds=conf.current().heartbeat_interval)
    reports = {
        beat.worker_id: WorkerReport(
            worker_id=beat.worker_id,
            pipelines=parse_reported(beat.pipelines),
            settled_before=now - SETTLING_INTERVALS * interval,
        )
        for beat in beats
        if beat.pipelines is not None and not beat.stopping
    }
    if not reports:
        return ReconcileResult({})
    cluster_id = str(load_cluster_state().cluster_id)
    return reconcile_workers(
        reports=list(reports.values()), cluster_id=cluster_id, now=now
    )
