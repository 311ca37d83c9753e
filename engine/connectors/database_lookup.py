"""Records from a database, for `enrich`: SQLite or PostgreSQL, by the url."""

from engine.connectors.address import address_of
from engine.connectors.base import ConnectorSpec, Lookup
from engine.connectors.database_sqlite import SqliteLookup
from engine.connectors.guard import Guard
from engine.connectors.optional_packages import POSTGRESQL, require

SQLITE = "sqlite:///"
SCHEMES = ("postgresql://", "postgres://")


def database_lookup(spec: ConnectorSpec, guard: Guard) -> Lookup:
    """Make the look-up of a `database` connector.

    Raises ValueError for a url or a query it cannot use, RefusedError for a file the
    host does not allow and MissingPackageError without the PostgreSQL driver.
    """
    url = address_of(spec.params, "")
    query = str(spec.params.get("query") or "")
    if url.startswith(SQLITE):
        return SqliteLookup(guard.path(url.removeprefix(SQLITE)), query)
    if url.startswith(SCHEMES):
        require("database", POSTGRESQL)
        # Imported when first used: the driver is an optional package.
        from engine.connectors.database_postgresql import PostgresqlLookup

        return PostgresqlLookup(url, query, guard)
    raise ValueError("the url of a database starts with sqlite:/// or postgresql://")
