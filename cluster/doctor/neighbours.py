"""What the coordinator leans on: database, channel layer, broker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from cluster.doctor.finding import Finding, advice, fine, must

MOST_CLOCK_DRIFT_S = 2.0


def examine_database() -> Iterator[Finding]:
    """Look whether the database answers, is up to date, and agrees on the time."""
    place = settings.DATABASES["default"]
    where = place["HOST"] if settings.DATABASE_URL else place["NAME"]
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        text = f"{where} does not answer: {_line(error)}"
        yield must("database", text, "start it, or correct VARPULIS_DATABASE_URL")
        return
    if missing:
        text = f"{where} lacks {len(missing)} migrations"
        yield must("database", text, "start the coordinator, or run varpulis migrate")
    elif connection.vendor == "sqlite":
        yield advice(
            "database",
            "SQLite: one coordinator, one machine",
            "for more than that set VARPULIS_DATABASE_URL to a PostgreSQL",
        )
    else:
        yield fine("database", f"{connection.vendor} at {where}")
        yield from _examine_clock()


def _examine_clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        there = cursor.fetchone()[0]
    drift_s = abs((datetime.now(UTC) - there).total_seconds())
    if drift_s > MOST_CLOCK_DRIFT_S:
        text = f"this machine and the database differ by {drift_s:.1f} s"
        yield must("clock", text, "let both follow the same time server")
    else:
        yield fine("clock", f"within {drift_s:.1f} s of the database")


def examine_channel_layer() -> Iterator[Finding]:
    """Look whether Redis answers, if live changes go through it."""
    if not settings.REDIS_URL:
        text = "in this process: enough for one coordinator"
        yield fine("channel layer", text)
        return
    yield _ask_redis("channel layer", settings.REDIS_URL, "VARPULIS_REDIS_URL")


def examine_broker() -> Iterator[Finding]:
    """Look whether the broker of background work answers."""
    if not settings.BROKER_URL:
        yield fine("broker", "none: background work runs in the coordinator")
    elif urlsplit(settings.BROKER_URL).scheme.startswith("redis"):
        yield _ask_redis("broker", settings.BROKER_URL, "VARPULIS_BROKER_URL")
    else:
        yield advice(
            "broker", "only Redis brokers are looked at", "see that celery starts"
        )


def _ask_redis(subject: str, url: str, variable: str) -> Finding:
    import redis  # its import costs what most runs have no use for

    host = urlsplit(url).hostname
    try:
        with redis.Redis.from_url(
            url, socket_timeout=3, socket_connect_timeout=3
        ) as it:
            it.ping()
    except redis.RedisError as error:
        text = f"{host} does not answer: {_line(error)}"
        return must(subject, text, f"start it, or correct {variable}")
    return fine(subject, f"redis at {host}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
