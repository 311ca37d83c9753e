"""The file sink: appends JSON lines."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.file_source import path_of
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.queued_sink import QueuedSink, Refused

FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
MODE = 0o640


def file_sink(
    spec: ConnectorSpec, dead_letters: DeadLetters, guard: Guard
) -> QueuedSink:
    """Return the sink of one file."""
    return QueuedSink(spec, dead_letters, FilePublisher(spec, guard))


class FilePublisher:
    """Appends batches of whole lines; notices when the file was moved away."""

    def __init__(self, spec: ConnectorSpec, guard: Guard) -> None:
        self.where = path_of(spec)
        self._guard = guard
        self._path: Path | None = None
        self._descriptor: int | None = None

    def connect(self) -> None:
        """Open or make the file; raises LinkLostError."""
        try:
            self._path = self._guard.path(self.where)
            self._descriptor = os.open(self._path, FLAGS, MODE)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise LinkLostError(f"{self.where} is not a regular file")
        except OSError as error:
            raise _lost(self.where, error) from error

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Append events; raises LinkLostError, with nothing or all of them written."""
        data = b"".join(pending.payload + b"\n" for pending in events)
        self.check()
        descriptor = self._open_descriptor()
        try:
            size = os.fstat(descriptor).st_size
            _append(descriptor, data, size)
        except OSError as error:
            raise _lost(self.where, error) from error
        return ()

    def check(self) -> None:
        """Open the file again if its name has gone or is another file's now."""
        if self._path is None or self._descriptor is None:
            raise LinkLostError("the file is closed")
        try:
            named = self._path.stat()
        except FileNotFoundError:
            named = None
        except OSError as error:
            raise _lost(self.where, error) from error
        if named is None or not os.path.samestat(named, os.fstat(self._descriptor)):
            self.disconnect()
            self.connect()

    def disconnect(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise LinkLostError("the file is closed")
        return self._descriptor


def _append(descriptor: int, data: bytes, size: int) -> None:
    """Write all of `data`, or cut the file to its former size and raise OSError."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _lost(where: str, error: OSError) -> LinkLostError:
    if isinstance(error, LinkLostError):
        return error
    return LinkLostError(f"cannot write {where}: {error.strerror or error}")
