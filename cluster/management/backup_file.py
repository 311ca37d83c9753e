"""A coordinator's state as one file: rows of any database, and the secret if kept.

A gzipped tar of `manifest.json`, `rows.jsonl` (a row of a table in each line, as Django
writes fixtures) and perhaps `secret.key`. Rows know nothing of the database they came
from: what was saved from SQLite can be restored into PostgreSQL.
"""

import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, Self

FORMAT: Final = 1
MANIFEST, ROWS, SECRET = "manifest.json", "rows.jsonl", "secret.key"


class UnusableBackupError(Exception):
    """The file is no backup, or not one that this version can take."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        version: of the program that wrote it.
        made_at: ISO 8601, UTC.
        migrations: applied ones, as `app.name`.
        rows: how many there are.
    """

    version: str
    made_at: str
    migrations: tuple[str, ...]
    rows: int
    format: int = FORMAT

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read what `write_backup` wrote; raises `UnusableBackupError`."""
        try:
            given = json.loads(text)
            if given["format"] != FORMAT:
                raise UnusableBackupError(
                    f"it has format {given['format']}, this version reads {FORMAT}"
                )
            given["migrations"] = tuple(given["migrations"])
            return cls(**given)
        except (ValueError, TypeError, KeyError) as error:
            raise UnusableBackupError("its manifest cannot be read") from error


def write_backup(
    path: Path, manifest: Manifest, rows: IO[bytes], secret: bytes | None
) -> None:
    """Write a backup beside `path` and move it there; only its owner may read it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as archive:
                for name, content in _members(manifest, rows, secret):
                    _add(archive, name, content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _members(
    manifest: Manifest, rows: IO[bytes], secret: bytes | None
) -> Iterator[tuple[str, IO[bytes]]]:
    yield MANIFEST, BytesIO(json.dumps(asdict(manifest)).encode())
    if secret is not None:
        yield SECRET, BytesIO(secret)
    yield ROWS, rows


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, os.SEEK_END)
    entry.mode = 0o600
    content.seek(0)
    archive.addfile(entry, content)


@dataclass(frozen=True, slots=True)
class Backup:
    """An opened backup; `rows` are read as they are asked for."""

    manifest: Manifest
    secret: bytes | None
    rows: Iterable[Any]


@contextmanager
def opened_backup(path: Path) -> Iterator[Backup]:
    """Open a backup; raises `UnusableBackupError`, OSError."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            manifest = Manifest.read(_content(archive, MANIFEST).read())
            has_secret = SECRET in archive.getnames()
            secret = _content(archive, SECRET).read() if has_secret else None
            with closing(_content(archive, ROWS)) as rows:
                yield Backup(manifest, secret, rows)
    except (tarfile.TarError, EOFError) as error:
        raise UnusableBackupError(f"it is damaged or no backup: {error}") from error


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        content = archive.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise UnusableBackupError(f"there is no {name} in it")
    return content


def scratch() -> IO[bytes]:
    """Return a file for rows that nobody else can open; it goes when it is closed."""
    return TemporaryFile()
