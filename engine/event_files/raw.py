"""The bytes of an event file, unpacked if they are gzip."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from engine.event_files.errors import BadFileError, EventFileError

CHUNK_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"


class RawFile:
    """A file, or standard input for `-`, as a stream of bytes.

    `head` are its first bytes, unpacked and without byte order mark. `position` counts
    the bytes taken from the file itself, of `size` (0 where nobody knows). Raises
    BadFileError if it cannot be opened or its gzip data is damaged.
    """

    def __init__(self, path: str) -> None:
        self.name = "<stdin>" if path == "-" else path
        self.is_stream = path == "-"
        self.size = 0
        self._opened: BinaryIO | None = None
        raw = self._open(path)
        self._raw = raw
        self._file: io.BufferedReader = raw
        try:
            if raw.peek(2)[:2] == _GZIP_MAGIC:
                unpacked = gzip.GzipFile(fileobj=raw, mode="rb")
                self._file = cast("io.BufferedReader", unpacked)
            if self._peek()[:3] == _BOM:
                self._file.read(3)
        except OSError as error:
            self.close()
            raise self._unreadable(error) from error
        except BadFileError:
            self.close()
            raise

    def _open(self, path: str) -> io.BufferedReader:
        if path == "-":
            stream = sys.stdin.buffer
            if isinstance(stream, io.BufferedReader):
                return stream
            return io.BufferedReader(cast("io.RawIOBase", stream))
        try:
            opened = Path(path).open("rb")  # noqa: SIM115 - `close` closes it
            self.size = Path(path).stat().st_size
        except OSError as error:
            raise self._unreadable(error) from error
        self._opened = opened
        return opened

    def _peek(self) -> bytes:
        try:
            return self._file.peek(1)
        except (EOFError, zlib.error) as error:
            raise self._damaged(error) from error

    @property
    def head(self) -> bytes:
        """Return some of the next bytes without taking them."""
        return self._peek()

    @property
    def position(self) -> int:
        """Return how many bytes of the file were taken, as far as one can tell."""
        return self._raw.tell() if self.size else 0

    def lines(self) -> Iterator[bytes]:
        """Yield line after line with its end; raises EventFileError for endless ones."""
        number = 0
        while line := self._readline():
            number += 1
            if len(line) >= MAX_LINE_BYTES:
                raise self._endless(number)
            yield line

    def chunks(self) -> Iterator[bytes]:
        """Yield whole lines together, about 256 KiB; of a stream what is there."""
        count, rest = 1, b""
        while data := self._read_some():
            whole, newline, tail = (rest + data).rpartition(b"\n")
            if newline:
                yield whole + newline
                count += whole.count(b"\n") + 1
            rest = tail
            if len(rest) >= MAX_LINE_BYTES:
                raise self._endless(count)
        if rest:
            yield rest

    def pieces(self) -> Iterator[bytes]:
        """Yield all bytes, about 256 KiB together; of a stream what is there."""
        while data := self._read_some():
            yield data

    def read_all(self) -> bytes:
        """Return everything."""
        return self._read(-1)

    def close(self) -> None:
        """Close what was opened; standard input stays open."""
        if self._opened is not None:
            self._opened.close()

    def _readline(self) -> bytes:
        try:
            return self._file.readline(MAX_LINE_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged(error) from error

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged(error) from error

    def _read_some(self) -> bytes:
        if not self.is_stream:
            return self._read(CHUNK_BYTES)
        try:
            return self._file.read1(CHUNK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged(error) from error

    def _endless(self, line: int) -> EventFileError:
        megabytes = MAX_LINE_BYTES // 2**20
        reason = f"the line is longer than {megabytes} MiB; put each event on its own"
        return EventFileError(self.name, str(line), reason)

    def _unreadable(self, error: OSError) -> BadFileError:
        return BadFileError(f"cannot read {self.name}: {error.strerror or error}")

    def _damaged(self, error: Exception) -> BadFileError:
        return BadFileError(f"cannot read {self.name} to its end: {error}")
