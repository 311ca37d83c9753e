"""The file source: JSON lines or `.evt`, once or as the file grows."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.connectors.base import ConnectorSpec, Message, SourceSpec
from engine.connectors.file_lines import GrowingFile
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.polled_source import PolledSource
from engine.event import Event
from engine.evt import BadLineError, EvtReader
from engine.runtime.times import duration_text
from engine.runtime.values import Duration, Timestamp, iso_text

TAIL_WAIT_S: Final = 0.1  # between two looks at a file that may grow
LINES_PER_TURN: Final = 500


def file_source(spec: SourceSpec, guard: Guard) -> PolledSource:
    """Return the source of one file."""
    return PolledSource(spec, FileSubscriber(spec, guard))


def path_of(spec: ConnectorSpec) -> str:
    """Return the path a connector names, by default that of its own name."""
    return str(spec.params.get("path") or f"{spec.name}.jsonl")


class FileSubscriber:
    """Reads a file from its start; with `tail` goes on as it grows or is replaced."""

    def __init__(self, spec: SourceSpec, guard: Guard) -> None:
        self.where = path_of(spec.connector)
        self._topic = spec.topic
        self._guard = guard
        self._is_tailed = spec.params.get("tail") is True
        self._is_evt = self.where.endswith(".evt")
        self._payloads = self._make_reader()
        self._file: GrowingFile | None = None
        self._is_read = False
        self._pending: list[Message] = []

    def connect(self) -> None:
        """Open the file; raises LinkLostError."""
        file = GrowingFile(self._guarded_path())
        file.open()
        self._file = file

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Return the next lines as messages; raises LinkLostError."""
        if self._file is None:
            raise LinkLostError("the file is closed")
        if not self._pending and not self._is_read:
            self._read(self._file)
        if not self._pending:
            threading.Event().wait(min(timeout_s, TAIL_WAIT_S))
        taken = self._pending[:LINES_PER_TURN]
        self._pending = self._pending[LINES_PER_TURN:]
        return taken

    def disconnect(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- inside ---

    def _guarded_path(self) -> Path:
        try:
            return self._guard.path(self.where)
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def _read(self, file: GrowingFile) -> None:
        lines = file.read()
        if lines is not None:
            self._keep(lines)
        elif not self._is_tailed:
            self._keep([file.take_rest()])
            self._is_read = True
        elif file.is_replaced:
            self._keep([file.take_rest()])
            file.close()
            self._payloads = self._make_reader()
            file.open()

    def _keep(self, lines: Sequence[bytes]) -> None:
        self._pending += [
            Message(payload, self._topic, None, _do_nothing)
            for line in lines
            for payload in self._payloads(line)
        ]

    def _make_reader(self) -> Callable[[bytes], Iterator[bytes]]:
        return _EvtPayloads().of if self._is_evt else _json_payloads


def _json_payloads(line: bytes) -> Iterator[bytes]:
    if line.strip(b"\xef\xbb\xbf \t\r"):
        yield line.removeprefix(b"\xef\xbb\xbf")


class _EvtPayloads:
    """Turns the lines of an event file into payloads; a bad line stays as it is."""

    def __init__(self) -> None:
        self._reader = EvtReader()

    def of(self, line: bytes) -> Iterator[bytes]:
        """Yield the payload of a line that is an event."""
        try:
            for event in self._reader.read([line.decode()]):
                yield payload_of(event)
        except (BadLineError, UnicodeDecodeError):
            yield line


def payload_of(event: Event) -> bytes:
    """Return an event as JSON; instants and durations become texts."""
    stamp = None if event.timestamp is None else iso_text(event.timestamp)
    body = {"event_type": event.event_type, "timestamp": stamp, "fields": event.fields}
    return msgspec.json.encode(body, enc_hook=_as_json)


def _as_json(value: object) -> object:
    if isinstance(value, Timestamp):
        return iso_text(value.ns)
    if isinstance(value, Duration):
        return duration_text(value.ns)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _do_nothing() -> None:
    """Files know no acknowledgements."""
