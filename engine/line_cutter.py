"""Cutting a stream of bytes into blocks of whole lines, with bounded memory."""

from collections.abc import Iterator

BLOCK_BYTES = 128 * 1024
MAX_LINE_BYTES = 1024 * 1024


class LineCutter:
    """Collects pieces and gives blocks of whole lines of about 128 KiB.

    Lines longer than 1 MiB are left out and given as None instead. At most one block,
    one line and one piece are held; no line that is whole if `is_eager`.
    """

    def __init__(
        self,
        block_bytes: int = BLOCK_BYTES,
        max_line_bytes: int = MAX_LINE_BYTES,
        *,
        is_eager: bool = False,
    ) -> None:
        self._is_eager = is_eager
        self._block_bytes = block_bytes
        self._max_line_bytes = max_line_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._line_size = 0  # what is held of a line whose end has not come
        self._skipping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Take a piece; yield blocks, and a None for each line left out."""
        start = 0
        if self._skipping:
            start = piece.find(b"\n") + 1
            if not start:
                return
            self._skipping = False
        while self._size + len(piece) - start >= self._block_bytes:
            end = self._end_of_block(piece, start)
            if not end:
                break
            self._pieces.append(piece[start:end])
            yield self._take()
            start = end
        self._hold(piece[start:])
        if self._line_size > self._max_line_bytes:
            yield from self._whole_lines()
            self._take()
            self._skipping = True
            yield None
        elif self._is_eager:
            yield from self._whole_lines()

    def rest(self) -> bytes:
        """Return the last lines, with or without a newline at the end."""
        return b"".join(self._pieces)

    def _end_of_block(self, piece: bytes, start: int) -> int:
        """Return where a block ends in a piece, 0 if no line does."""
        room = max(1, self._block_bytes - self._size)
        end = piece.rfind(b"\n", start, start + room) + 1
        return end or piece.find(b"\n", start + room) + 1

    def _take(self) -> bytes:
        block = self.rest()
        self._pieces, self._size, self._line_size = [], 0, 0
        return block

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
            end = piece.rfind(b"\n") + 1
            self._line_size = len(piece) - end if end else self._line_size + len(piece)

    def _whole_lines(self) -> Iterator[bytes]:
        """Yield what is held of lines whose end has come, if any."""
        end = self._size - self._line_size
        if end:
            held = self._take()
            self._hold(held[end:])
            yield held[:end]
