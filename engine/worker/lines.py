"""Cutting a stream of bytes into blocks of whole lines, with bounded memory."""

from collections.abc import Iterator

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 1024 * 1024


class LineCutter:
    """Collects pieces and gives blocks of whole lines of about 256 KiB.

    Lines longer than 1 MiB are left out and given as None instead. At most one block
    and one line are held.
    """

    def __init__(
        self, block_bytes: int = BLOCK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
    ) -> None:
        self._block_bytes = block_bytes
        self._max_line_bytes = max_line_bytes
        self._held = bytearray()
        self._skipping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Take a piece; yield blocks that are full and a None per line left out."""
        if self._skipping:
            _, newline, piece = piece.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        self._held += piece
        if len(self._held) < self._block_bytes:
            return
        end = self._held.rfind(b"\n") + 1
        if end:
            yield bytes(self._held[:end])
            del self._held[:end]
        if len(self._held) > self._max_line_bytes:
            self._held.clear()
            self._skipping = True
            yield None

    def rest(self) -> bytes:
        """Return the last lines, with or without a newline at the end."""
        return bytes(self._held)
