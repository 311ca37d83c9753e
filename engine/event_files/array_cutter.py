"""A JSON array of events, or `{"events": [..]}`, cut into its elements as it comes."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

CUT_BYTES: Final = 256 * 1024  # of elements that are looked at together
MAX_ELEMENT_BYTES: Final = 16 * 1024 * 1024
TRIES: Final = 64  # places at which elements may end
_HEAD: Final = re.compile(rb'\s*(?:(\{)\s*"events"\s*:\s*)?\[')
_END_OF_ELEMENT: Final = re.compile(rb"\}\s*,")
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


_events = msgspec.json.Decoder(_Events).decode


class ArrayCutter:
    """Takes pieces of a text and gives the elements whose end has come.

    A place at which an element may end is one if all before it is JSON: so no byte is
    looked at by itself. At most one element and `CUT_BYTES` are held.
    """

    def __init__(self, cut_bytes: int = CUT_BYTES) -> None:
        self._cut_bytes = cut_bytes
        self._held = b""
        self._wanted = cut_bytes  # bytes to be held before the next look
        self._opening = b""

    def feed(self, piece: bytes) -> Iterator[msgspec.Raw]:
        """Take a piece; raises ValueError for what is no array, or has no end."""
        self._held += piece
        if len(self._held) < self._wanted:
            return
        if not self._opening:
            self._open()
        end, elements = self._whole_elements()
        self._held = self._held[end:]
        if len(self._held) > MAX_ELEMENT_BYTES:
            megabytes = MAX_ELEMENT_BYTES // 2**20
            raise ValueError(f"no valid JSON, or an event longer than {megabytes} MiB")
        self._wanted = len(self._held) + self._cut_bytes
        yield from elements

    def rest(self) -> Iterator[msgspec.Raw]:
        """Yield the last elements once the text has ended; raises ValueError.

        A text that is one object is one element.
        """
        is_object = not self._opening and not _HEAD.match(self._held)
        if not self._opening and not is_object:
            self._open()
        text = b"[%b]" % self._held if is_object else self._opening + self._held
        try:
            yield from _events(text).events if text[:1] == b"{" else _array(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"no valid JSON at the end: {error}") from error

    def _open(self) -> None:
        head = _HEAD.match(self._held)
        if head is None:
            raise ValueError('an array of events begins with [ or {"events": [')
        self._opening = b'{"events":[' if head[1] else b"["
        self._held = self._held[head.end() :]

    def _whole_elements(self) -> tuple[int, list[msgspec.Raw]]:
        """Return where the held elements end that are whole, and these."""
        before = len(self._held)
        for _ in range(TRIES):
            before = self._held.rfind(b"}", 0, before)
            if before < 0:
                break
            end = _END_OF_ELEMENT.match(self._held, before)
            if end is None:
                continue
            try:
                return end.end(), _array(b"[%b]" % self._held[: before + 1])
            except (msgspec.DecodeError, RecursionError):
                continue
        return 0, []
