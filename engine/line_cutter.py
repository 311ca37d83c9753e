"""Cutting a stream of bytes into blocks of whole lines, with bounded memory."""

from collections.abc import Iterator

BLOCK_BYTES = 128 * 1024
MAX_LINE_BYTES = 1024 * 1024


class LineCutter:
    """Collects pieces and gives blocks of whole lines of about 128 KiB.

    Lines longer than 1 MiB are left out and given as None instead. At most one block
    and one line are held.
    """

    def __init__(
        self, block_bytes: int = BLOCK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
    ) -> None:
        self._block_bytes = block_bytes
        self._max_line_bytes = max_line_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Take a piece; yield blocks that are full and a None per line left out."""
        if self._skipping:
            _, newline, piece = piece.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        self._hold(piece)
        if self._size < self._block_bytes:
            return
        held = self.rest()
        end = held.rfind(b"\n") + 1
        self._pieces, self._size = [], 0
        if end:
            yield held[:end]
        if len(held) - end > self._max_line_bytes:
            self._skipping = True
            yield None
        else:
            self._hold(held[end:])

    def rest(self) -> bytes:
        """Return the last lines, with or without a newline at the end."""
        return b"".join(self._pieces)

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
