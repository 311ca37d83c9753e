"""Records from PostgreSQL, for `enrich`."""

import queue
import time
from typing import Any

import psycopg
from psycopg import conninfo

from engine.connectors.base import LookupFailedError
from engine.connectors.database_query import with_parameter
from engine.connectors.database_values import record_of
from engine.connectors.guard import Guard

DEFAULT_PORT = 5432
IDLE_CONNECTIONS = 8
# What a program may say in its url. The library knows more: files, services, hosts
# besides the one the guard is asked about.
URL_SETTINGS = frozenset(("host", "port", "user", "password", "dbname", "sslmode"))


class PostgresqlLookup:
    """Runs the query read-only; several threads use a connection each."""

    def __init__(self, url: str, query: str, guard: Guard) -> None:
        self._guard = guard
        self._settings = _settings_of(url)
        self._query = with_parameter(query, "$1").encode()
        self._idle: queue.SimpleQueue[psycopg.Connection] = queue.SimpleQueue()

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the first row for `key`."""
        deadline = time.monotonic() + timeout_s
        try:
            connection = self._take(timeout_s)
            try:
                row, names = self._ask(connection, key, deadline)
            except BaseException:
                connection.close()
                raise
        except (psycopg.Error, OSError, ValueError) as error:  # ValueError: half a pair
            reason = " ".join(str(error).split())
            raise LookupFailedError(f"{self._settings['host']}: {reason}") from error
        self._give_back(connection)
        return None if row is None else record_of(names, row)

    def close(self) -> None:
        """Close the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _ask(
        self, connection: psycopg.Connection, key: str, deadline: float
    ) -> tuple[tuple[Any, ...] | None, list[str]]:
        left_ms = int((deadline - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise TimeoutError("no time left after connecting")
        with psycopg.RawCursor(connection) as cursor:
            cursor.execute(
                b"SELECT set_config('statement_timeout', $1, false)", [str(left_ms)]
            )
            cursor.execute(self._query, [key])
            row = cursor.fetchone()
            return row, [column.name for column in cursor.description or ()]

    def _take(self, timeout_s: float) -> psycopg.Connection:
        while not self._idle.empty():
            connection = self._idle.get_nowait()
            if not connection.closed:
                return connection
        return self._connect(timeout_s)

    def _connect(self, timeout_s: float) -> psycopg.Connection:
        host, port = self._settings["host"], int(self._settings["port"])
        timeout_ms = max(1, int(timeout_s * 1000))
        return psycopg.connect(
            **self._settings,
            hostaddr=self._guard.resolve(host, port),
            autocommit=True,
            connect_timeout=max(2, int(timeout_s)),  # 2 s is the library's least
            tcp_user_timeout=timeout_ms,  # a network that swallows everything
            application_name="varpulis",
            options="-c default_transaction_read_only=on",
        )

    def _give_back(self, connection: psycopg.Connection) -> None:
        if self._idle.qsize() < IDLE_CONNECTIONS:
            self._idle.put(connection)
        else:
            connection.close()


def _settings_of(url: str) -> dict[str, Any]:
    """Return host, port, user, password and database of a URL; raises ValueError."""
    try:
        settings = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ValueError("a url is postgresql://user:password@host/database") from error
    unknown = sorted(settings.keys() - URL_SETTINGS)
    if unknown:
        raise ValueError(f"the url of a database takes no setting '{unknown[0]}'")
    settings = {"host": "localhost", "port": DEFAULT_PORT, **settings}
    if any(sign in str(settings["host"]) for sign in "/,@"):
        raise ValueError("the url of a database names one host")
    return settings
