"""GET /health and /ready (api.md 4.1)."""

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from cluster import conf
from cluster.hot import answer
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.database_thread import DatabaseThread
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.realtime.relay import layer_faults
from cluster.state import WorkerStatus

VERSION = version("varpulis")
HEALTHY_SWEEP_PERIODS = 3
SHOWN_STATUSES = (
    WorkerStatus.READY,
    WorkerStatus.BUSY,
    WorkerStatus.DRAINING,
    WorkerStatus.UNHEALTHY,
)

SweepAge = Callable[[], float | None]
Check = Callable[[], Awaitable[dict[str, Any]]]


class CheckFailedError(Exception):
    """A readiness check did not hold; the text says why."""


class Probes:
    """Liveness says that the process answers, readiness that it can do its work."""

    def __init__(
        self, table: RoutingTable, database: DatabaseThread, sweep_age_s: SweepAge
    ) -> None:
        """Keep what is asked."""
        self._table = table
        self._database = database
        self._sweep_age_s = sweep_age_s
        self._migrated = False

    async def health(self, request: HotRequest) -> Answer:
        """Answer from memory, whatever state the rest is in."""
        _only_reading(request)
        snapshot = self._table.latest
        workers = dict.fromkeys((status.value for status in SHOWN_STATUSES), 0)
        for worker in snapshot.workers.values():
            if not worker.deregistered and worker.status.value in workers:
                workers[worker.status.value] += 1
        age = self._sweep_age_s()
        return answer.ok({
            "role": "coordinator",
            "status": "healthy",
            "version": VERSION,
            "cluster_id": snapshot.cluster_id,
            "workers": workers,
            "pipeline_groups": len(snapshot.groups),
            "sweep_age_seconds": None if age is None else round(age, 3),
        })

    async def ready(self, request: HotRequest) -> Answer:
        """Answer 200 when all checks hold, else 503; each says how long it took."""
        _only_reading(request)
        checks = {
            "database": await _timed(self._check_database),
            "migrations": await _timed(self._check_migrations),
            "channel_layer": await _timed(_check_channel_layer),
            "broker": {**await _timed(_check_broker), "configured": _has_broker()},
            "sweep": await _timed(self._check_sweep),
        }
        is_ready = all(check["ok"] for check in checks.values())
        body = answer.ok({
            "status": "ready" if is_ready else "not_ready",
            "checks": checks,
        })
        body.status = 200 if is_ready else 503
        return body

    async def _check_database(self) -> None:
        await self._database.run(_select_one)

    async def _check_migrations(self) -> None:
        """Ask once: a schema that is up to date stays so while the process runs."""
        if not self._migrated and not await self._database.run(_is_migrated):
            raise CheckFailedError("run `varpulis migrate`")
        self._migrated = True

    async def _check_sweep(self) -> None:
        age = self._sweep_age_s()
        limit = conf.current().sweep_interval * HEALTHY_SWEEP_PERIODS
        if age is None:
            raise CheckFailedError("no sweep has been seen yet")
        if age > limit:
            raise CheckFailedError(f"the last sweep was {age:.1f} s ago")


def _only_reading(request: HotRequest) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowedError("GET, HEAD", request.method)


async def _timed(check: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    started = time.perf_counter()
    outcome: dict[str, Any] = {"ok": True}
    try:
        await check()
    except (CheckFailedError, DatabaseError, OSError) as error:
        outcome = {"ok": False, "error": str(error)}
    outcome["ms"] = round((time.perf_counter() - started) * 1000, 2)
    return outcome


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


async def _check_channel_layer() -> None:
    layer = get_channel_layer()
    if layer is None:
        raise CheckFailedError("no channel layer is configured")
    try:
        name = await layer.new_channel()
        await layer.send(name, {"type": "probe"})
        await layer.receive(name)
    except layer_faults() as error:
        raise CheckFailedError(str(error)) from error


def _has_broker() -> bool:
    return bool(settings.VARPULIS["BROKER"])


async def _check_broker() -> None:
    if _has_broker():
        await sync_to_async(_connect_to_broker)()


def _connect_to_broker() -> None:
    # Here, not above: only a coordinator with a broker has any use for Celery.
    from celery import current_app
    from kombu.exceptions import OperationalError

    try:
        with current_app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except OperationalError as error:
        raise CheckFailedError(str(error)) from error
