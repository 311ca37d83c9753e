"""The events of a file in batches of bounded size, to be sent one after the other."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cluster.management.coordinator_calls import USAGE, CallError

BATCH_BYTES: Final = 4 * 1024 * 1024
EVENT_BYTES: Final = 1024 * 1024  # one event that a worker takes

OnBad = Callable[[str, str], None]
"""Takes the place of something that is no event, and why."""


@dataclass(frozen=True, slots=True)
class FileBatch:
    """Events as JSON lines; `places` are their lines or numbers in the file."""

    lines: Sequence[bytes]
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def body(self) -> bytes:
        """Return the events as NDJSON."""
        return b"\n".join(self.lines)

    def only(self, indexes: Sequence[int]) -> "FileBatch":
        """Return some of the events, in the order of `indexes`."""
        return FileBatch(
            [self.lines[at] for at in indexes], [self.places[at] for at in indexes]
        )


class EventsOfFile:
    """An open event file; `batches` may be called once.

    `size` and `position` are bytes of the file itself; the size of a stream is 0. What
    is no event is handed to `on_bad` and left out. Raises CallError.
    """

    def __init__(self, path: str, event_type: str | None, on_bad: OnBad) -> None:
        # Half the engine comes with it: only for those who send files.
        from engine.event_files import BadFileError, ReadOptions, open_event_file

        self._bad_file = BadFileError
        self._on_bad = on_bad
        options = ReadOptions(
            event_type=event_type, start_ns=time.time_ns(), on_bad=self._bad
        )
        try:
            self._file = open_event_file(path, options)
        except BadFileError as error:
            raise CallError(str(error), USAGE) from error
        self.size = self._file.size
        self.name = Path(path).name if path != "-" else "<stdin>"

    @property
    def position(self) -> int:
        """Return how far the reading is."""
        return self._file.position

    def place(self, number: int) -> str:
        """Return how messages name the place of an event."""
        return self._file.place(number)

    def batches(self, most_events: int) -> Iterator[FileBatch]:
        """Yield the events in order; at most so many, and 4 MiB, at once."""
        lines: list[bytes] = []
        places: list[int] = []
        size = 0
        for place, line in self._events():
            if lines and (len(lines) >= most_events or size + len(line) > BATCH_BYTES):
                yield FileBatch(lines, places)
                lines, places, size = [], [], 0
            lines.append(line)
            places.append(place)
            size += len(line) + 1
        if lines:
            yield FileBatch(lines, places)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _events(self) -> Iterator[tuple[int, bytes]]:
        from engine.event_files import EventFileError

        try:
            for block in self._file.to_send():
                for place, line in block.payloads():
                    if len(line) <= EVENT_BYTES:
                        yield place, line
                    else:
                        self._on_bad(self.place(place), "longer than 1 MiB")
        except EventFileError as error:
            raise CallError(str(error)) from error
        except self._bad_file as error:
            raise CallError(str(error), USAGE) from error

    def _bad(self, error: Any) -> None:
        self._on_bad(error.place, error.reason)
