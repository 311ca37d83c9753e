"""Records from an SQLite file, for `enrich`."""

import queue
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.connectors.base import LookupFailedError
from engine.connectors.database_query import with_parameter
from engine.connectors.database_values import record_of

IDLE_CONNECTIONS = 8
STEPS = 10_000  # of SQLite's machine between two looks at the clock


class SqliteLookup:
    """Runs the query read-only; several threads use a connection each."""

    def __init__(self, path: Path, query: str) -> None:
        self._uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        self._path = path
        self._query = with_parameter(query, "?1")
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the first row for `key`."""
        deadline = time.monotonic() + timeout_s
        try:
            connection = self._take()
        except sqlite3.Error as error:
            raise LookupFailedError(f"{self._path}: {error}") from error
        try:
            connection.execute(f"PRAGMA busy_timeout = {int(timeout_s * 1000)}")
            connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            cursor = connection.execute(self._query, (key,))
            row = cursor.fetchone()
            names = [column[0] for column in cursor.description or ()]
            cursor.close()
        except (sqlite3.Error, ValueError) as error:  # ValueError: half a pair as key
            connection.close()
            raise LookupFailedError(f"{self._path}: {error}") from error
        self._give_back(connection)
        return None if row is None else record_of(names, row)

    def close(self) -> None:
        """Close the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            connection = sqlite3.connect(
                self._uri, uri=True, check_same_thread=False, isolation_level=None
            )
        # A query comes from a program: it reads this file and no other.
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.execute("PRAGMA query_only = 1")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._idle.qsize() < IDLE_CONNECTIONS:
            self._idle.put(connection)
        else:
            connection.close()
