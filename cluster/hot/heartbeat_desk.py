"""Heartbeats in memory: plain ones are written together, telling ones at once.

A report that changes nothing waits a moment so that many are stored in one go: a
quarter of a second in a small cluster, at most two seconds in a large one. A report
that may change something (another status, other pipelines, anything after it changed
what the worker is to run) is stored before it is answered, so that the answer carries
what to do.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError

from cluster.hot.database_thread import DatabaseThread
from cluster.routing_snapshot import KnownWorker
from cluster.services.heartbeats import (
    Heartbeat,
    HeartbeatOutcome,
    HeartbeatVerdict,
    record_heartbeats,
)
from cluster.state import WorkerStatus

logger = logging.getLogger("varpulis_cluster")

LONGEST_WAIT_S = 2.0
SHORT_WAIT_S = 0.25
SMALL_BATCH = 50  # waiting reports up to which the short wait holds
CALM = frozenset({WorkerStatus.READY, WorkerStatus.BUSY, WorkerStatus.DRAINING})

Record = Callable[[Sequence[Heartbeat], datetime], dict[str, HeartbeatOutcome]]
Reported = tuple[tuple[str, str, str, str], ...]
# What was wanted of the worker, what it reported, and the version of the topology when
# that matters.
Signature = tuple[Mapping[str, Any], Reported, int]
Waiting = tuple[Heartbeat, "asyncio.Future[HeartbeatOutcome]"]

ACKNOWLEDGED = HeartbeatOutcome(HeartbeatVerdict.ACKNOWLEDGED)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HeartbeatDesk:
    """Takes reports whose key has been checked; runs in the event loop."""

    def __init__(
        self,
        database: DatabaseThread,
        *,
        record: Record = record_heartbeats,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Keep where to write; nothing runs before `start`."""
        self._database = database
        self._record = record
        self._now = now
        self._plain: dict[str, Heartbeat] = {}
        self._telling: list[Waiting] = []
        self._settled: dict[str, Signature] = {}
        self._oldest_s = 0.0
        self._work = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write from now on."""
        self._writer = asyncio.create_task(self._write_forever())

    async def stop(self) -> None:
        """Write what waits, then end."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        await self.flush()

    async def take(
        self, beat: Heartbeat, worker: KnownWorker, version: int
    ) -> HeartbeatOutcome:
        """Take in one report; `version` is that of the topology the worker is from."""
        if self.take_plain(beat, worker, version):
            return ACKNOWLEDGED
        outcome = await self._tell(beat)
        if outcome == ACKNOWLEDGED:
            self._settled[beat.worker_id] = _signature(beat, worker, version)
        else:
            self._settled.pop(beat.worker_id, None)
        return outcome

    def take_plain(self, beat: Heartbeat, worker: KnownWorker, version: int) -> bool:
        """Take in a report that says nothing new, to be stored later; else False."""
        if not self._is_plain(beat, worker, _signature(beat, worker, version)):
            return False
        if not self._plain:
            self._oldest_s = time.monotonic()
            self._work.set()
        self._plain[beat.worker_id] = beat
        return True

    async def flush(self) -> None:
        """Store everything that waits and answer those who wait for it."""
        telling, self._telling = self._telling, []
        plain, self._plain = self._plain, {}
        if not plain and not telling:
            return
        # Pipelines of plain reports were compared with what is wanted when they were
        # new, and neither has changed since: they need not be compared again.
        beats = [replace(beat, pipelines=None) for beat in plain.values()]
        beats += [beat for beat, _ in telling]
        try:
            outcomes = await self._database.run(self._record, beats, self._now())
        except Exception as error:  # whatever it is, nobody may wait for ever
            self._give_back(plain, telling, error)
            return
        for beat, waiting in telling:
            if not waiting.done():
                waiting.set_result(outcomes.get(beat.worker_id, ACKNOWLEDGED))

    def _is_plain(
        self, beat: Heartbeat, worker: KnownWorker, signature: Signature
    ) -> bool:
        same_process = not beat.instance_id or beat.instance_id == worker.instance_id
        return (
            worker.status in CALM
            and not beat.stopping
            and not worker.deregistered
            and same_process
            and self._settled.get(beat.worker_id) == signature
        )

    async def _tell(self, beat: Heartbeat) -> HeartbeatOutcome:
        waiting: asyncio.Future[HeartbeatOutcome]
        waiting = asyncio.get_running_loop().create_future()
        self._telling.append((beat, waiting))
        self._work.set()
        return await waiting

    async def _write_forever(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._plain and not self._telling:
                left = self._wait_left_s()
                if left <= 0:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), left)
                self._work.clear()
            await self.flush()

    def _wait_left_s(self) -> float:
        small = len(self._plain) <= SMALL_BATCH
        wait_s = SHORT_WAIT_S if small else LONGEST_WAIT_S
        return self._oldest_s + wait_s - time.monotonic()

    def _give_back(
        self, plain: Mapping[str, Heartbeat], telling: list[Waiting], error: Exception
    ) -> None:
        """Keep plain reports for the next try; those who wait get the error."""
        for worker_id, beat in plain.items():
            self._plain.setdefault(worker_id, beat)
        for _, waiting in telling:
            if not waiting.done():
                waiting.set_exception(error)
        known = isinstance(error, DatabaseError)
        logger.warning("Heartbeats could not be stored: %s", error, exc_info=not known)
        if plain:
            self._oldest_s = time.monotonic()
            asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._work.set)


def _signature(beat: Heartbeat, worker: KnownWorker, version: int) -> Signature:
    """Return what decides whether a report says anything new.

    A pipeline that is not placed on the worker may be taken over after any change.
    """
    reported = _pipelines_signature(beat.pipelines)
    strays = any(item[0] not in worker.pipelines for item in reported)
    return worker.pipelines, reported, version if strays else 0


def _pipelines_signature(pipelines: Sequence[Mapping[str, Any]] | None) -> Reported:
    """Return what of the reported pipelines matters to reconciling."""
    if pipelines is None:
        return ()
    found = (
        (
            str(pipeline.get("id")),
            str(pipeline.get("generation")),
            str(pipeline.get("status")),
            str(pipeline.get("fingerprint")),
        )
        for pipeline in pipelines
    )
    return tuple(sorted(found))
