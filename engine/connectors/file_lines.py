"""The lines of a file that may still grow."""

import os
import stat
from pathlib import Path
from typing import Final

from engine.connectors.link import LinkLostError

READ_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 2 * 1024 * 1024  # twice what an event may have


class GrowingFile:
    """Gives the lines of a file in turn, from its start or from where it stood.

    A line without its end is given once the file is known to be complete. Lines beyond
    2 MiB are given in part.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._rest = b""
        self._skips = False

    def open(self) -> None:
        """Open the file; raises LinkLostError where there is none to read."""
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise LinkLostError(
                f"cannot read {self._path}: {error.strerror}"
            ) from error
        state = os.fstat(self._descriptor)
        if not stat.S_ISREG(state.st_mode):
            self.close()
            raise LinkLostError(f"cannot read {self._path}: not a regular file")
        self._identity = (state.st_dev, state.st_ino)
        self._rest, self._skips = b"", False

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def is_replaced(self) -> bool:
        """Tell whether the file was cut, or its name now is another file's."""
        if self._descriptor is None:
            return True
        try:
            named = self._path.stat()
        except OSError:
            return False  # moved away, and there is no new one yet
        is_cut = named.st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR)
        return is_cut or (named.st_dev, named.st_ino) != self._identity

    def read(self) -> list[bytes] | None:
        """Return the next lines, without their ends; None at the end of the file."""
        if self._descriptor is None:
            raise LinkLostError("the file is closed")
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except OSError as error:
            raise LinkLostError(
                f"cannot read {self._path}: {error.strerror}"
            ) from error
        return self._cut(data) if data else None

    def take_rest(self) -> bytes:
        """Return a last line that has no end."""
        rest, self._rest = self._rest, b""
        return b"" if self._skips else rest

    def _cut(self, data: bytes) -> list[bytes]:
        *lines, rest = (self._rest + data).split(b"\n")
        if self._skips and lines:
            self._skips = False
            lines.pop(0)
        if self._skips:
            rest = b""
        elif len(rest) > MAX_LINE_BYTES:
            lines.append(rest)
            rest, self._skips = b"", True
        self._rest = rest
        return lines
