"""Join and leave: registration and deregistration of workers (api.md 6.3, 6.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from cluster import conf
from cluster.addresses import WorkerAddress
from cluster.exceptions import (
    WorkerDeregisteredError,
    WorkerIdInUseError,
    WorkerNotFoundError,
)
from cluster.models import Placement, Worker
from cluster.secrets import encrypt_key, hash_key, matches_hash
from cluster.services.events import WARNING, record_event
from cluster.services.failover import move_placements, retry_waiting
from cluster.services.group_status import refresh_group_status
from cluster.services.health import refresh_groups_of, status_by_load
from cluster.services.heartbeats import SETTLING_INTERVALS
from cluster.services.reconciliation import (
    WorkerReport,
    parse_reported,
    reconcile_workers,
)
from cluster.services.topology import bump_version
from cluster.state import WorkerStatus

MOVE, LEAVE = "move", "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a worker says of itself when it joins; `pipelines` None: it did not say."""

    worker_id: str
    address: WorkerAddress
    api_key: str = field(repr=False)
    instance_id: str = ""
    version: str = ""
    hostname: str = ""
    cpu_cores: float = 1.0
    max_pipelines: int = 100
    pipelines_running: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    pipelines: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The row of a worker that joined, and what it is asked to do."""

    worker: Worker
    cluster_id: str
    version: int
    actions: tuple[dict[str, Any], ...]


def register_worker(
    *, registration: Registration, has_credential: bool, now: datetime
) -> Registered:
    """Add a worker or take it back (table 6.3), and reconcile what it runs.

    `has_credential`: the caller showed a coordinator key or a join token. Raises
    WorkerIdInUseError if another process that is alive bears the id, and
    WorkerDeregisteredError for a process that was deregistered.
    """
    with transaction.atomic():
        rows = Worker.objects.select_for_update()
        old = rows.filter(pk=registration.worker_id).first()
        if old is not None:
            _refuse_taken_id(old, registration, has_credential, now)
        is_restart = old is None or not _is_same_process(old, registration)
        worker, event = _write_row(old, registration, now)
        cluster = bump_version(worker_ids=[worker.pk])
        cluster_id = str(cluster.cluster_id)
        record_event(
            event_type=event,
            worker_id=worker.pk,
            message=f"worker '{worker.pk}' registered from {worker.address}",
            now=now,
        )
        actions = _reconcile(registration, is_restart, cluster_id, now)
    retry_waiting(now=now)
    if old is not None:  # nothing can have been placed on a worker never seen before
        refresh_groups_of(worker_ids=[worker.pk], now=now)
    return Registered(worker, cluster_id, cluster.version, actions)


def deregister_worker(
    *, worker_id: str, now: datetime, pipelines: str = MOVE, cause: str = ""
) -> None:
    """Take a worker out of the registry; its process is not touched.

    With `move` its placements get other workers and its own copies are dropped when
    it next reports; with `leave` they stay where they are and nobody looks after them.
    """
    with transaction.atomic():
        row = Worker.objects.registered().filter(pk=worker_id)
        gone = row.update(deregistered_at=now, keeps_pipelines=pipelines == LEAVE)
        if not gone:
            raise WorkerNotFoundError(f"no worker '{worker_id}' is registered")
        bump_version(worker_ids=[worker_id])
        record_event(
            event_type="worker.deregistered",
            severity=WARNING,
            worker_id=worker_id,
            message=f"worker '{worker_id}' was deregistered, pipelines: {pipelines}",
            cause=cause,
            now=now,
        )
    places = Placement.objects.wanted().filter(worker_id=worker_id)
    held = list(places.select_related("group").order_by("group_id", "position"))
    if pipelines == LEAVE:
        refresh_group_status(group_ids={item.group_id for item in held}, now=now)
    else:
        move_placements(placements=held, cause="deregistered", now=now)


def _refuse_taken_id(
    old: Worker, registration: Registration, has_credential: bool, now: datetime
) -> None:
    if old.deregistered_at is not None:
        if _is_same_process(old, registration):
            raise WorkerDeregisteredError(
                f"worker '{old.pk}' was deregistered; restart the process to join again"
            )
        return
    same_key = matches_hash(registration.api_key, old.api_key_hash)
    if same_key or not _is_alive(old, now):
        return
    if old.address == registration.address.url and has_credential:
        return
    raise WorkerIdInUseError(
        f"worker id '{old.pk}' is in use by the worker at {old.address}; choose another "
        "--worker-id, or stop that worker",
        details={"address": old.address},
    )


def _is_same_process(old: Worker, registration: Registration) -> bool:
    return old.instance_id == registration.instance_id != ""


def _is_alive(worker: Worker, now: datetime) -> bool:
    timeout = conf.current().heartbeat_timeout_delta
    is_silent = now - worker.last_heartbeat_at > timeout
    return worker.status != WorkerStatus.UNHEALTHY.value and not is_silent


def _write_row(
    old: Worker | None, registration: Registration, now: datetime
) -> tuple[Worker, str]:
    worker = old or Worker(id=registration.worker_id, registered_at=now)
    event = _event_type(old, registration)
    if old is not None and old.deregistered_at is not None:
        worker.registered_at = now
        worker.cordoned = False
    if old is None or old.deregistered_at is not None:
        known = WorkerStatus.REGISTERING
    else:
        known = WorkerStatus(old.status)
    status = status_by_load(
        known,
        running=registration.pipelines_running,
        room=registration.max_pipelines,
    )
    changes = _columns(registration, now) | {"status": status.value}
    for name, value in changes.items():
        setattr(worker, name, value)
    if old is None:
        worker.save(force_insert=True)
    else:
        worker.save(update_fields=[*changes, "registered_at", "cordoned"])
    return worker, event


def _columns(registration: Registration, now: datetime) -> dict[str, Any]:
    return {
        "address": registration.address.url,
        "pinned_host": registration.address.pinned_host,
        "api_key_encrypted": encrypt_key(registration.api_key),
        "api_key_hash": hash_key(registration.api_key),
        "instance_id": registration.instance_id,
        "version": registration.version,
        "hostname": registration.hostname,
        "labels": dict(registration.labels),
        "load": dict(registration.load),
        "cpu_cores": registration.cpu_cores,
        "max_pipelines": registration.max_pipelines,
        "pipelines_running": registration.pipelines_running,
        "events_processed": 0,
        "reachable": True,
        "failed_calls": 0,
        "status_reason": None,
        "status_since": now,
        "last_heartbeat_at": now,
        "deregistered_at": None,
        "keeps_pipelines": False,
    }


def _event_type(old: Worker | None, registration: Registration) -> str:
    if old is None or old.deregistered_at is not None:
        return "worker.joined"
    moved = old.address != registration.address.url
    return "worker.replaced" if moved else "worker.rejoined"


def _reconcile(
    registration: Registration, is_restart: bool, cluster_id: str, now: datetime
) -> tuple[dict[str, Any], ...]:
    if registration.pipelines is None:
        return ()
    settling = SETTLING_INTERVALS * conf.current().heartbeat_interval
    report = WorkerReport(
        worker_id=registration.worker_id,
        pipelines=parse_reported(registration.pipelines),
        settled_before=now if is_restart else now - timedelta(seconds=settling),
    )
    result = reconcile_workers(reports=[report], cluster_id=cluster_id, now=now)
    return result.actions[registration.worker_id]
