"""Where events go that no sink could take (vpl.md section 14)."""

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

logger = logging.getLogger("varpulis")

MAX_FILE_BYTES = 64 * 1024 * 1024
KEPT_FILES = 4
MAX_NAME_CHARS = 150
MAX_ANNOUNCED = 1_000  # reasons may quote what strangers send


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a dead letter comes from and why it is one."""

    pipeline: str
    stream: str
    connector: str
    reason: str
    attempts: int = 1


class DeadLetters:
    """Append events to `<pipeline>.dlq.jsonl` below a folder.

    Without a folder they are only counted and logged. Safe to use from several
    threads; a disk that fails is logged and counted, never raised.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.count = 0
        self._folder = folder
        self._lock = threading.Lock()
        self._announced: set[tuple[str, str, str]] = set()

    def write(self, origin: Origin, events: Sequence[bytes]) -> None:
        """Keep `events`, each one encoded JSON object."""
        with self._lock:
            self.count += len(events)
            self._announce(origin, len(events))
            if self._folder is None:
                return
            try:
                self._append(self._folder, origin, events)
            except OSError as error:
                logger.error("Dead letters of '%s' lost: %s", origin.pipeline, error)

    def _announce(self, origin: Origin, events: int) -> None:
        """Log the first dead letter of each kind; all of them are counted."""
        kind = origin.pipeline, origin.connector, origin.reason
        if kind in self._announced or len(self._announced) >= MAX_ANNOUNCED:
            return
        self._announced.add(kind)
        logger.warning(
            "Pipeline '%s': %d event(s) for connector '%s' not delivered (%s); %s",
            origin.pipeline,
            events,
            origin.connector,
            origin.reason,
            "kept as dead letters" if self._folder else "dropped, no --state-dir",
        )

    def _append(self, folder: Path, origin: Origin, events: Sequence[bytes]) -> None:
        path = folder / dead_letter_name(origin.pipeline)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _rotate(path)
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {
            "time": moment.replace("+00:00", "Z"),
            "pipeline": origin.pipeline,
            "stream": origin.stream,
            "connector": origin.connector,
            "reason": origin.reason,
            "attempts": origin.attempts,
        }
        lines = [
            msgspec.json.encode({**head, "event": msgspec.Raw(event)}) + b"\n"
            for event in events
        ]
        with path.open("ab") as file:
            file.write(b"".join(lines))


def dead_letter_name(pipeline: str) -> str:
    """Return the file name for a pipeline, whatever characters its name has."""
    name = quote(pipeline, safe=" ")
    if len(name) > MAX_NAME_CHARS:
        digest = hashlib.blake2b(pipeline.encode(), digest_size=8).hexdigest()
        name = f"{name[:MAX_NAME_CHARS]}-{digest}"
    return f"{name}.dlq.jsonl"


def _rotate(path: Path) -> None:
    if not path.exists() or path.stat().st_size < MAX_FILE_BYTES:
        return
    for number in range(KEPT_FILES - 1, 0, -1):
        older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
