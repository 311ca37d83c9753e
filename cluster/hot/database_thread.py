"""One thread that talks to the database for the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Runs calls one after the other, on a connection that stays open.

    One thread is enough: what it is asked for takes milliseconds, and SQLite has one
    writer anyway.
    """

    def __init__(self) -> None:
        """Make the thread; it starts with the first call."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="varpulis-hot-database")

    async def run(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `function` returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, lambda: _on_live_connection(lambda: function(*args, **kwargs))
        )

    def close(self) -> None:
        """Close the connection and end the thread, once what waits is done."""
        self._pool.submit(connection.close)
        self._pool.shutdown(wait=True)


def _on_live_connection(call: Callable[[], T]) -> T:
    # A file does not go away; a server may have, since the last call.
    if connection.vendor != "sqlite":
        close_old_connections()
    return call()
