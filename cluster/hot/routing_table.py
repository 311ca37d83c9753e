"""The routing snapshot in memory, and when it is replaced.

A change made in this process invalidates it before the call that made the change is
answered, so a caller always reads its own writes: who asks while it is behind waits for
a new one. Without such a caller it is read again a moment later, so that many changes
in a row cost few reads. Changes made in other processes are found by looking at the
version once a second, and before a group is said not to be there.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from cluster.event_routing import RouteMatch, choose_target
from cluster.hot.database_thread import DatabaseThread
from cluster.models import ClusterState
from cluster.routing_reader import RoutingReader
from cluster.routing_snapshot import RoutedGroup, RoutingSnapshot
from cluster.services import notify

logger = logging.getLogger("varpulis_cluster")

POLL_INTERVAL_S = 1.0
RETRY_AFTER_FAILURE_S = 1.0
SHORT_DELAY_S = 0.02  # in which changes gather before they are read unasked
# Reading unasked takes at most this share of the time, however many changes come.
READING_SHARE = 0.2
CACHED_TYPES = 10_000  # event types whose route is remembered, in all groups together


class RoutingTable:
    """Holds the newest snapshot; every method but `_heard` runs in the event loop."""

    def __init__(
        self,
        database: DatabaseThread,
        *,
        load: Callable[[], RoutingSnapshot] | None = None,
    ) -> None:
        """Keep where to read from; nothing is read before `start`."""
        self._database = database
        self._reader = RoutingReader()
        self._load = load or self._reader.read
        self._snapshot: RoutingSnapshot | None = None
        self._wanted_version = 0
        self._touched: dict[str | None, int] = {}  # None: by a change of groups
        self._retry_at = 0.0
        self._read_took_s = 0.0
        self._awaited = 0  # callers of `newer_than`
        self._soon: asyncio.TimerHandle | None = None
        self._refreshing = asyncio.Lock()
        self._replaced = asyncio.Event()
        self._targets: dict[tuple[Any, str], RouteMatch | None] = {}
        self._poller: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self.last_sweep_at: datetime | None = None

    async def start(self) -> None:
        """Read the first snapshot and follow changes from then on."""
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = notify.subscribe(self._heard)
        self._install(await self._database.run(self._load))
        self._poller = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Follow no longer."""
        self._unsubscribe()
        if self._soon is not None:
            self._soon.cancel()
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller

    @property
    def latest(self) -> RoutingSnapshot:
        """Return the snapshot in memory, be it current or not."""
        if self._snapshot is None:
            raise RuntimeError("the routing table has not been started")
        return self._snapshot

    @property
    def is_current(self) -> bool:
        """Tell whether the snapshot in memory is all that `current` would return."""
        return self.latest.version >= self._wanted_version

    async def current(self) -> RoutingSnapshot:
        """Return a snapshot at least as new as the last change made in this process."""
        if not self.is_current:
            await self._refresh()
        return self.latest

    async def current_of(self, worker_id: str) -> RoutingSnapshot:
        """Return a snapshot that is current as far as one worker is concerned.

        Reports of a thousand workers need not wait for each change of the others.
        """
        return self.latest if self.is_current_of(worker_id) else await self.current()

    def is_current_of(self, worker_id: str) -> bool:
        """Tell whether the snapshot knows a worker as `current_of` would return it."""
        snapshot = self.latest
        touched = max(self._touched.get(worker_id, 0), self._touched.get(None, 0))
        return snapshot.version >= touched and worker_id in snapshot.workers

    async def newer_than(self, version: int, timeout_s: float) -> bool:
        """Wait until the snapshot is newer than `version`; False when it stays so."""
        deadline = time.monotonic() + timeout_s
        self._awaited += 1
        try:
            await self.current()
            while self.latest.version <= version:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._replaced.wait(), left)
        finally:
            self._awaited -= 1
        return True

    async def catch_up(self) -> None:
        """Learn what other processes have changed until now."""
        try:
            row = await self._database.run(_read_state)
        except DatabaseError as error:
            logger.warning("The cluster state cannot be read: %s", error)
            return
        if row is None:
            return
        version, self.last_sweep_at = row
        if version != self.latest.version:
            await self._refresh(force=True)

    def target(self, group: RoutedGroup, event_type: str) -> RouteMatch | None:
        """Return where the group sends an event type; remembered per snapshot."""
        key = (group.id, event_type)
        try:
            return self._targets[key]
        except KeyError:
            found = choose_target(
                group.routes,
                event_type,
                default_route=group.default_route,
                pipelines=group.pipelines,
            )
            if len(self._targets) < CACHED_TYPES:
                self._targets[key] = found
            return found

    def _heard(self, change: notify.Change) -> None:
        """Note a change; called in the thread that committed it."""
        if not isinstance(change, notify.TopologyChanged):
            return
        self._reader.hear(change)
        # Workers first: whoever sees the new version must see whom it concerns.
        groups_too = bool(change.group_ids) or not change.worker_ids
        for key in (*change.worker_ids, *([None] if groups_too else ())):
            self._touched[key] = max(self._touched.get(key, 0), change.version)
        self._wanted_version = max(self._wanted_version, change.version)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._refresh_soon)

    def _refresh_soon(self) -> None:
        """Read a moment later, at once if somebody waits; one such read is planned."""
        if self._soon is not None:
            return
        pause_s = max(SHORT_DELAY_S, self._read_took_s / READING_SHARE)
        delay_s = 0.0 if self._awaited else pause_s
        self._soon = asyncio.get_running_loop().call_later(delay_s, self._refresh_now)

    def _refresh_now(self) -> None:
        self._soon = None
        task = asyncio.ensure_future(self._refresh())
        task.add_done_callback(_raise_bugs)

    async def _refresh(self, *, force: bool = False) -> None:
        """Read again unless somebody else just did.

        While the database is away, the old snapshot goes on routing.
        """
        async with self._refreshing:
            behind = force or self.latest.version < self._wanted_version
            if not behind or time.monotonic() < self._retry_at:
                return
            wanted, started_s = self._wanted_version, time.monotonic()
            try:
                snapshot = await self._database.run(self._load)
            except DatabaseError as error:
                self._retry_at = time.monotonic() + RETRY_AFTER_FAILURE_S
                logger.warning("Routes cannot be read, the old ones hold: %s", error)
                return
            self._read_took_s = time.monotonic() - started_s
            if snapshot.version < wanted == self._wanted_version:
                self._wanted_version = snapshot.version
                self._touched.clear()
            self._install(snapshot)

    def _install(self, snapshot: RoutingSnapshot) -> None:
        self._snapshot = snapshot
        self._targets = {}
        for key, version in tuple(self._touched.items()):
            if version <= snapshot.version:
                self._touched.pop(key, None)
        self._replaced.set()
        self._replaced = asyncio.Event()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            await self.catch_up()


def _read_state() -> tuple[int, datetime | None] | None:
    return ClusterState.objects.values_list("version", "last_sweep_at").first()


def _raise_bugs(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("Routes were not read", exc_info=task.exception())
