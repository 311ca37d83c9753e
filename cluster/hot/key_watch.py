"""Keeps the API keys in memory current, and writes down when they were used."""

import asyncio
import logging
from contextlib import suppress

from django.db import DatabaseError

from cluster.hot.database_thread import DatabaseThread
from cluster.key_ring import RING
from cluster.services.keys import load_key_ring, store_uses

logger = logging.getLogger("varpulis_cluster")

LOOK_INTERVAL_S = 1.0
LOOKS_PER_STORE = 10


class KeyWatch:
    """Looks for keys that other processes changed; runs in the event loop."""

    def __init__(self, database: DatabaseThread) -> None:
        """Keep where to read from; nothing is read before `start`."""
        self._database = database
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the keys and follow changes from then on."""
        await self._database.run(load_key_ring)
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Follow no longer; store the last uses."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._store()

    async def _watch(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            looks += 1
            try:
                await self._database.run(load_key_ring)
            except DatabaseError as error:
                logger.warning("API keys cannot be read, the old ones hold: %s", error)
            if looks % LOOKS_PER_STORE == 0:
                await self._store()

    async def _store(self) -> None:
        uses = RING.take_uses()
        if not uses:
            return
        try:
            await self._database.run(store_uses, uses)
        except DatabaseError as error:
            logger.warning("Uses of API keys cannot be stored: %s", error)
