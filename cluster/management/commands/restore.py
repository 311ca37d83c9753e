"""Bring back the state of a coordinator from a backup."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError

from cluster.management.backup_file import (
    SECRET,
    Backup,
    Manifest,
    UnusableBackupError,
    opened_backup,
)
from cluster.management.coordinator_calls import USAGE, CallError, Json, run_and_leave
from cluster.management.coordinator_options import add_state_options
from cluster.services.snapshots import holds_anything, known_migrations, load_rows


class Command(BaseCommand):
    """`varpulis restore FILE`."""

    help = (
        "Put what `varpulis backup` saved into the database in the environment. Stop"
        " its coordinators first."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where from, where to, and whether what is there may go."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="even if there is something already"
        )
        add_state_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Restore all or nothing; exits 1 if that fails."""
        run_and_leave("restore", lambda: self._restore(options))

    def _restore(self, options: Json) -> None:
        path: Path = options["file"]
        try:
            with opened_backup(path) as backup:
                self._load(backup, replace=options["replace"])
        except (UnusableBackupError, DeserializationError) as error:
            raise CallError(f"{path} cannot be restored: {error}") from error
        except OSError as error:
            raise CallError(f"{path} cannot be read: {error}", USAGE) from error
        except DatabaseError as error:
            raise CallError(f"the database did not take {path}: {error}") from error

    def _load(self, backup: Backup, *, replace: bool) -> None:
        _refuse_newer(backup.manifest)
        call_command("migrate", interactive=False, verbosity=0)
        if holds_anything() and not replace:
            raise CallError(
                "there is a cluster in this database already; --replace gives it up"
            )
        total = load_rows(backup.rows, lambda n: self.stdout.write(f"{n:,} rows"))
        if backup.secret is not None:
            _keep(backup.secret)
        self.stdout.write(
            f"restored {total:,} rows as of {backup.manifest.made_at};"
            " start the coordinator again"
        )


def _refuse_newer(manifest: Manifest) -> None:
    unknown = set(manifest.migrations) - known_migrations()
    if unknown:
        raise UnusableBackupError(
            f"version {manifest.version} wrote it, this is {version('varpulis')}:"
            " install that version or a later one"
        )


def _keep(secret: bytes) -> None:
    path: Path = settings.STATE_DIR / SECRET
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(secret)
