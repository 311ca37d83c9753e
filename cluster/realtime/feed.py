"""One feed per process: reads the topology when it changed and tells all browsers.

The version of the feed grows by one per delta; it starts at the version of the topology
but counts for itself, because several changes are merged into one delta.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from django.db import DatabaseError

from cluster.hot.database_thread import DatabaseThread
from cluster.models import ClusterState
from cluster.notices import Notices, Touched
from cluster.realtime.client import FeedClient
from cluster.realtime.messages import (
    DeltaMessage,
    RatesMessage,
    SnapshotMessage,
)
from cluster.realtime.rate_news import RateNews
from cluster.realtime.rates import RateBook
from cluster.realtime.reader import TopologyReader
from cluster.realtime.relay import is_shared, listen
from cluster.realtime.view import TopologyView, find_changes
from cluster.services import notify
from cluster.timestamps import format_timestamp

logger = logging.getLogger("varpulis_cluster")

DELTA_INTERVAL_S = 0.25  # at most four deltas a second
TICK_S = 1.0
TICKS_PER_LOOK = 2
TICKS_PER_HEARTBEAT = 5
MAX_CLIENTS = 2000
SNAPSHOT_KEPT_S = 1.0

Load = Callable[[Touched | None], TopologyView]
encode = msgspec.json.Encoder().encode


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TopologyFeed:
    """Everything but `hear` runs in the event loop of the server."""

    def __init__(
        self,
        *,
        sweep_age_s: Callable[[], float | None] = lambda: None,
        now: Callable[[], datetime] = _utc_now,
        load: Load | None = None,
    ) -> None:
        """Make nothing that needs a loop; `start` does.

        `load` reads the topology again: what was touched, or all of it for None.
        """
        self.rates = RateBook()
        self.sweep_age_s = sweep_age_s
        self._now = now
        self._load = load or TopologyReader().read
        self._view = TopologyView()
        self._version = 0
        self._is_read = False
        self._notices = Notices()
        self._snapshot: tuple[int, float, bytes] | None = None
        self._clients: set[FeedClient] = set()
        self._news = RateNews(self.rates)
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_full(self) -> bool:
        """Tell whether no further browser can be fed."""
        return len(self._clients) >= MAX_CLIENTS

    async def start(self) -> None:
        """Follow changes from now on; a second call does nothing."""
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        self._database = DatabaseThread()
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._tasks = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(self._tick()),
        ]
        if is_shared():
            self._tasks.append(asyncio.create_task(listen(self._take)))
        else:
            self._unsubscribe = notify.subscribe(self.hear)

    async def stop(self) -> None:
        """End all connections' feeds and follow no longer."""
        if self._loop is None:
            return
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._database.close()
        self._loop = None

    async def attach(self, client: FeedClient) -> None:
        """Give a client the snapshot and everything that follows it."""
        await self._read_if_changed()
        client.put(self.snapshot(client))
        self._clients.add(client)

    def detach(self, client: FeedClient) -> None:
        """Feed a client no longer."""
        self._clients.discard(client)

    def snapshot(self, client: FeedClient) -> bytes:
        """Return the message with everything the client asked for.

        Many browsers may ask at once, after a restart for one: those that ask for
        everything get the same message for a moment.
        """
        if not client.wants_all:
            return self._new_snapshot(client)
        kept, now_s = self._snapshot, time.monotonic()
        if kept and kept[0] == self._version and now_s - kept[1] < SNAPSHOT_KEPT_S:
            return kept[2]
        message = self._new_snapshot(client)
        self._snapshot = self._version, now_s, message
        return message

    def _new_snapshot(self, client: FeedClient) -> bytes:
        now = self._now()
        message: SnapshotMessage = {
            "type": "snapshot",
            "version": self._version,
            "at": format_timestamp(now),
            "topology": client.select(self._view.topology(now, self.rates.age_s)),
            "summary": self._view.summary(self.rates.total_in()),
        }
        return encode(message)

    def hear(self, change: notify.Change) -> None:
        """Take note of a committed change; called in the thread that committed it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, change)

    def _take(self, change: notify.Change) -> None:
        if isinstance(change, notify.EventRecorded):
            self._send_all(encode({"type": "event", "event": change.event}))
        else:
            self._notices.take(change)
            self._changed.set()

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()  # before reading: what comes meanwhile counts anew
            if self._clients:
                await self._read_if_changed()
            await asyncio.sleep(DELTA_INTERVAL_S)

    async def _read_if_changed(self) -> None:
        """Read again if the topology has another version, and tell what changed."""
        async with self._reading:
            try:
                version = await self._database.run(_read_version)
                if self._notices.is_current(version):
                    return
                touched = self._notices.touched(version)
                view = await self._database.run(self._load, touched)
            except DatabaseError as error:
                logger.warning("The topology could not be read: %s", error)
                self._notices.forget()
                return
            self._notices.settle(version)
            self._install(view, version)

    def _install(self, view: TopologyView, version: int) -> None:
        old, self._view = self._view, view
        self.rates.forget_others(view.worker)
        changes = find_changes(old, view)
        if not self._is_read:
            self._is_read, self._version = True, version
            return
        if not changes:
            return
        self._version += 1
        now = self._now()
        for change in changes:
            if change["kind"] == "worker" and change["op"] == "set":
                age = view.age_s(change["id"], now)
                change["value"]["heartbeat_age_seconds"] = age
        message: DeltaMessage = {
            "type": "delta",
            "version": self._version,
            "changes": changes,
            "summary": view.summary(self.rates.total_in()),
        }
        self._send_delta(message, old)

    def _send_delta(self, message: DeltaMessage, old: TopologyView) -> None:
        everything = encode(message)
        for client in tuple(self._clients):
            if client.wants_all:
                client.put(everything)
                continue
            changes = client.select_changes(message["changes"], old, self._view)
            client.put(encode({**message, "changes": changes}))

    async def _tick(self) -> None:
        """Send figures and signs of life; look whether a change was missed."""
        count = 0
        while True:
            await asyncio.sleep(TICK_S)
            count += 1
            if not self._clients:
                continue
            if count % TICKS_PER_LOOK == 0:
                await self._read_if_changed()
            self._send_rates()
            if count % TICKS_PER_HEARTBEAT == 0:
                self._send_heartbeat()

    def _send_rates(self) -> None:
        workers, links = self._news.take(self._view)
        if not workers and not links:
            return
        message: RatesMessage = {
            "type": "rates",
            "version": self._version,
            "events_per_second": round(self.rates.total_in(), 1),
            "workers": workers,
            "links": links,
        }
        self._send_all(encode(message))

    def _send_heartbeat(self) -> None:
        age = self.sweep_age_s()
        self._send_all(
            encode({
                "type": "heartbeat",
                "at": format_timestamp(self._now()),
                "sweep_age_seconds": None if age is None else round(age, 1),
            })
        )

    def _send_all(self, message: bytes) -> None:
        for client in tuple(self._clients):
            client.put(message)


def _read_version() -> int:
    version = ClusterState.objects.values_list("version", flat=True).first()
    return version or 0
