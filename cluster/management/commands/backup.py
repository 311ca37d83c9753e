"""Save the state of a coordinator in one file."""

import io
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from cluster.management.backup_file import SECRET, Manifest, scratch, write_backup
from cluster.management.coordinator_calls import CallError, Json, run_and_leave
from cluster.management.coordinator_options import add_state_options
from cluster.services.snapshots import applied_migrations, save_rows


class Command(BaseCommand):
    """`varpulis backup FILE`."""

    help = (
        "Save groups, workers, routes, keys, users and history of the coordinator in"
        " the environment, which may go on running, in FILE."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to, and whose state."""
        parser.add_argument("file", metavar="FILE", type=Path)
        add_state_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Write the file; exits 1 if that fails."""
        run_and_leave("backup", lambda: self._try(options))

    def _try(self, options: Json) -> None:
        try:
            self._save(options)
        except DatabaseError as error:
            raise CallError(f"the database cannot be read: {error}") from error
        except OSError as error:
            raise CallError(f"{options['file']} cannot be written: {error}") from error

    def _save(self, options: Json) -> None:
        path: Path = options["file"]
        secret = settings.STATE_DIR / SECRET
        has_secret = secret.exists()
        with scratch() as rows, io.TextIOWrapper(rows, "utf-8") as text:
            total = save_rows(text, lambda count: self.stdout.write(f"{count:,} rows"))
            text.flush()
            manifest = Manifest(
                version("varpulis"),
                datetime.now(UTC).isoformat(timespec="seconds"),
                applied_migrations(),
                total,
            )
            write_backup(
                path, manifest, rows, secret.read_bytes() if has_secret else None
            )
        self.stdout.write(f"saved {total:,} rows in {path}")
        if not has_secret:
            self.stdout.write(
                "keep VARPULIS_SECRET_KEY with it: workers' keys are sealed with it"
            )
