"""All rows of a coordinator's database, out of one moment and back."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import serializers
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from cluster.models import ApiKey, ClusterState, PipelineGroup, Worker

APPS: Final = ("auth", "cluster")
LEFT_OUT: Final = frozenset({"auth.Permission"})  # made by migrations, named by rows
CHUNK: Final = 2000  # rows read at once
Count = Callable[[int], None]


def save_rows(file: TextIO, counted: Count) -> int:
    """Write every row as a line of JSON, as of one moment; return how many.

    `counted` is told of progress. Writers are not held up.
    """
    total = 0

    def rows() -> Iterator[models.Model]:
        nonlocal total
        for model in _models():
            queryset = model._default_manager.order_by("pk")
            for row in queryset.iterator(chunk_size=CHUNK):
                total += 1
                if not total % CHUNK:
                    counted(total)
                yield row

    with _one_moment():
        serializers.serialize(
            "jsonl", rows(), stream=file, use_natural_foreign_keys=True
        )
    return total


def holds_anything() -> bool:
    """Tell whether somebody has used this database."""
    users = apps.get_model("auth", "User")
    used = (Worker, PipelineGroup, ApiKey, users)
    return any(model._default_manager.exists() for model in used)


def applied_migrations() -> tuple[str, ...]:
    """Return the migrations of the saved tables, as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return tuple(sorted(f"{app}.{name}" for app, name in applied if app in APPS))


def known_migrations() -> frozenset[str]:
    """Return all migrations that this version has, applied or not, as `app.name`."""
    known = MigrationLoader(None).disk_migrations
    return frozenset(f"{app}.{name}" for app, name in known)


def load_rows(lines: Iterable[Any], counted: Count) -> int:
    """Replace all rows by those of `save_rows`, or none; return how many.

    Raises `django.core.serializers.base.DeserializationError`, DatabaseError.
    """
    total = 0
    with transaction.atomic():
        version = _version()
        for model in reversed(_models()):
            model._default_manager.all().delete()
        Session.objects.all().delete()  # they belong to users who are gone
        for row in serializers.deserialize("jsonl", lines):
            row.save()
            total += 1
            if not total % CHUNK:
                counted(total)
        _go_on_from(version)
    _go_on_counting()
    return total


def _models() -> list[type[models.Model]]:
    """Return the models, each after those its rows refer to."""
    chosen = [(apps.get_app_config(label), None) for label in APPS]
    ordered = serializers.sort_dependencies(chosen, allow_cycles=True)
    return [model for model in ordered if model._meta.label not in LEFT_OUT]


@contextmanager
def _one_moment() -> Iterator[None]:
    """See the database as it was at the first look, however long reading takes."""
    if connection.vendor == "sqlite":
        # Django's own transactions may take the write lock at once.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _version() -> int:
    return ClusterState.objects.values_list("version", flat=True).first() or 0


def _go_on_from(version: int) -> None:
    """Let everybody who holds something in memory see that all has changed."""
    state = ClusterState.objects.first()
    if state is not None:
        state.version = max(version, state.version) + 1
        state.keys_version += 1
        state.sweep_holder, state.sweep_lease_until = "", None
        state.save()


def _go_on_counting() -> None:
    """Let new rows have numbers beyond the restored ones."""
    statements = connection.ops.sequence_reset_sql(no_style(), _models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
