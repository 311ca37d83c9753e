"""Checkpoints on disk: the last three of each pipeline, checksummed.

<folder>/<pipeline id>/<sequence>.ckpt
    one JSON line {"version", "sequence", "taken_at", "sha256", "bytes"}, then the document

A file is written beside and renamed, so it is whole or not there; one that is damaged
all the same is passed over for the one before.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from engine.worker.state_dir import write_whole

logger = logging.getLogger("varpulis")

KEPT: Final = 3
FILE_VERSION: Final = 1
_SUFFIX: Final = ".ckpt"


class Header(msgspec.Struct, frozen=True):
    """The first line of a checkpoint file; `taken_at` is ISO 8601."""

    version: int
    sequence: int
    taken_at: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint as it was written: its place in the order and its size."""

    sequence: int
    bytes: int
    taken_at: str


class DamagedCheckpointError(Exception):
    """A file is no whole checkpoint."""


class CheckpointStore:
    """Keep and find the checkpoints of this worker's pipelines; calls block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, pipeline_id: str, document: Any, taken_at: str) -> Saved:
        """Write a document after the newest one and drop the oldest.

        Raises `OSError` if the disk fails; older ones are untouched then.
        """
        own = self._own(pipeline_id)
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths = _newest_first(own)
        sequence = _sequence(paths[0]) + 1 if paths else 1
        content = msgspec.json.encode(document)
        digest = hashlib.sha256(content).hexdigest()
        header = Header(FILE_VERSION, sequence, taken_at, digest, len(content))
        path = own / f"{sequence:012d}{_SUFFIX}"
        write_whole(path, msgspec.json.encode(header) + b"\n" + content)
        for old in paths[KEPT - 1 :]:
            old.unlink(missing_ok=True)
        return Saved(sequence, len(content), taken_at)

    def newest(self, pipeline_id: str) -> Iterator[tuple[Saved, Any]]:
        """Yield the whole checkpoints of a pipeline, newest first."""
        for path in _newest_first(self._own(pipeline_id)):
            try:
                yield _read(path)
            except (OSError, DamagedCheckpointError) as error:
                logger.error("checkpoint %s is passed over: %s", path.name, error)

    def forget(self, pipeline_id: str) -> None:
        """Drop all checkpoints of a pipeline; unknown ids are fine."""
        shutil.rmtree(self._own(pipeline_id), ignore_errors=True)

    def _own(self, pipeline_id: str) -> Path:
        # ids of callers may hold dots; quoting keeps them inside the folder
        return self._folder / f"{quote(pipeline_id, safe='')}.d"


def _sequence(path: Path) -> int:
    return int(path.name.removesuffix(_SUFFIX))


def _newest_first(folder: Path) -> list[Path]:
    found = (path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())
    return sorted(found, key=_sequence, reverse=True)


def _read(path: Path) -> tuple[Saved, Any]:
    first, _, content = path.read_bytes().partition(b"\n")
    try:
        header = msgspec.json.decode(first, type=Header)
    except msgspec.DecodeError as error:
        raise DamagedCheckpointError(f"its first line: {error}") from error
    if header.version != FILE_VERSION:
        raise DamagedCheckpointError(f"file version {header.version} is unknown")
    if hashlib.sha256(content).hexdigest() != header.sha256:
        raise DamagedCheckpointError("its checksum does not fit")
    saved = Saved(header.sequence, header.bytes, header.taken_at)
    return saved, msgspec.json.decode(content)
