"""Look-ups in SQLite and in a real PostgreSQL server."""

import sqlite3
import threading

import psycopg
import pytest

from engine.connectors.base import LookupFailedError
from engine.connectors.database_lookup import database_lookup
from engine.connectors.guard import Guard, RefusedError
from tests.integration.connectors.postgresql_server import PostgresqlServer
from tests.integration.connectors.probes import connector, wait_until
from tests.integration.connectors.server_process import free_port

TABLE = "CREATE TABLE sensors (id INTEGER PRIMARY KEY, room TEXT, limit_c REAL)"
ROWS = "INSERT INTO sensors VALUES (1, 'kitchen', 30.5), (2, 'attic', NULL)"
QUERY = "SELECT room, limit_c, id AS n FROM sensors WHERE id = $1"
TIMEOUT_S = 10.0


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    server = PostgresqlServer(tmp_path_factory.mktemp("postgresql"))
    try:
        server.start()
        with psycopg.connect(server.url) as connection:
            connection.execute(TABLE)
            connection.execute(ROWS)
        yield server
    finally:
        server.remove()


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "sensors.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.execute(ROWS)
    connection.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('sqlite_file')}"
    return request.getfixturevalue("postgresql").url


@pytest.fixture
def look_up(url):
    made = []

    def make(query=QUERY, guard=None):
        spec = connector("database", {"url": url, "query": query})
        made.append(database_lookup(spec, guard or Guard()))
        return made[-1]

    yield make
    for lookup in made:
        lookup.close()


def test_a_row_is_found_by_its_key(look_up):
    lookup = look_up()
    assert lookup.find("1", TIMEOUT_S) == {"room": "kitchen", "limit_c": 30.5, "n": 1}
    assert lookup.find("2", TIMEOUT_S) == {"room": "attic", "limit_c": None, "n": 2}
    assert lookup.find("3", TIMEOUT_S) is None


@pytest.mark.parametrize("parameter", ["?", "$1", ":key"])
def test_the_parameter_is_written_in_three_ways_and_as_often_as_wanted(
    look_up, parameter
):
    query = f"SELECT room FROM sensors WHERE id = {parameter} AND {parameter} <> '9'"
    assert look_up(query).find("1", TIMEOUT_S) == {"room": "kitchen"}


def test_a_key_is_a_value_and_never_part_of_the_query(look_up):
    lookup = look_up("SELECT id FROM sensors WHERE room = $1")
    assert lookup.find("x' OR '1' = '1", TIMEOUT_S) is None


def test_a_query_cannot_write(look_up):
    lookup = look_up("DELETE FROM sensors WHERE id = $1 RETURNING id")
    with pytest.raises(LookupFailedError, match=r"read-?only"):
        lookup.find("1", TIMEOUT_S)
    assert look_up().find("1", TIMEOUT_S) is not None


def test_a_query_that_fails_says_why_and_the_next_one_works(look_up):
    with pytest.raises(LookupFailedError, match="nothing"):
        look_up("SELECT * FROM nothing WHERE id = $1").find("1", TIMEOUT_S)
    assert look_up().find("1", TIMEOUT_S) is not None


def test_a_query_that_takes_too_long_ends(look_up):
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n WHERE CAST(i AS TEXT) = $1"
    )
    lookup = look_up(endless)
    with pytest.raises(LookupFailedError):
        lookup.find("0", 0.2)


@pytest.mark.parametrize("key", ["\ud800", "a\0b", "x" * 1_000_000])
def test_any_text_may_be_a_key(look_up, key):
    lookup = look_up("SELECT id FROM sensors WHERE room = $1")
    try:
        assert lookup.find(key, TIMEOUT_S) is None
    except LookupFailedError:
        assert "x" not in key
    assert look_up().find("1", TIMEOUT_S) is not None


def test_several_threads_look_up_at_once(look_up):
    lookup = look_up()
    found = []

    def ask():
        found.extend(lookup.find("1", TIMEOUT_S)["room"] for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == ["kitchen"] * 160


def test_sqlite_reads_no_other_file(sqlite_file, tmp_path):
    query = f"ATTACH '{tmp_path / 'other.db'}' AS other --\n WHERE :key"
    spec = connector("database", {"url": f"sqlite:///{sqlite_file}", "query": query})
    lookup = database_lookup(spec, Guard())
    with pytest.raises(LookupFailedError):
        lookup.find("1", TIMEOUT_S)
    lookup.close()
    assert not (tmp_path / "other.db").exists()


def test_sqlite_makes_no_file_and_stays_in_the_working_directory(tmp_path):
    def make(path):
        spec = connector("database", {"url": f"sqlite:///{path}", "query": QUERY})
        return database_lookup(spec, Guard(workdir=tmp_path))

    with pytest.raises(LookupFailedError, match="unable to open"):
        make("missing.db").find("1", TIMEOUT_S)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RefusedError, match="not below the working directory"):
        make("../elsewhere.db")


def test_postgresql_values_are_values_of_vpl(postgresql):
    query = (
        "SELECT 1.5::numeric AS price, '{\"a\": [1]}'::jsonb AS doc, "
        "DATE '2024-02-29' AS day, '\\x00ff'::bytea AS raw, $1::int AS key"
    )
    spec = connector("database", {"url": postgresql.url, "query": query})
    lookup = database_lookup(spec, Guard())
    assert lookup.find("7", TIMEOUT_S) == {
        "price": 1.5,
        "doc": {"a": [1]},
        "day": "2024-02-29",
        "raw": "00ff",
        "key": 7,
    }
    lookup.close()


def test_postgresql_that_is_restarted_is_found_again(postgresql):
    spec = connector("database", {"url": postgresql.url, "query": QUERY})
    lookup = database_lookup(spec, Guard())
    assert lookup.find("1", TIMEOUT_S) is not None
    postgresql.kill()
    with pytest.raises(LookupFailedError):
        lookup.find("1", TIMEOUT_S)
    postgresql.start()

    def answers():
        try:
            return lookup.find("1", TIMEOUT_S) is not None
        except LookupFailedError:  # still reading its log
            return False

    assert wait_until(answers)
    lookup.close()


def test_postgresql_that_is_not_there_is_told_without_the_password():
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    spec = connector("database", {"url": url, "query": QUERY})
    lookup = database_lookup(spec, Guard())
    with pytest.raises(LookupFailedError) as failure:
        lookup.find("1", 2.0)
    assert "refused" in str(failure.value)
    assert "secret" not in str(failure.value)
    lookup.close()


@pytest.mark.parametrize(
    "setting", ["hostaddr=10.0.0.1", "service=x", "sslkey=/etc/passwd", "options=-c"]
)
def test_a_url_says_where_and_as_whom_and_nothing_else(setting):
    url = f"postgresql://127.0.0.1/x?{setting}"
    spec = connector("database", {"url": url, "query": QUERY})
    with pytest.raises(ValueError, match="takes no setting"):
        database_lookup(spec, Guard())


def test_the_guard_is_asked_for_the_host():
    spec = connector(
        "database", {"url": "postgresql://169.254.169.254/x", "query": QUERY}
    )
    lookup = database_lookup(spec, Guard(is_strict=True))
    with pytest.raises(LookupFailedError, match="not allowed"):
        lookup.find("1", 1.0)
    lookup.close()
