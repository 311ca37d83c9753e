"""What a simulation and the processes it shares its events with tell each other.

Frames are msgpack behind their length in four bytes.
"""

import struct
from typing import Any, BinaryIO, Final

import msgspec

from engine.metrics import StreamMetrics
from engine.runtime.values import Duration, Timestamp

_LENGTH: Final = struct.Struct(">I")
_NS: Final = struct.Struct(">q")
_TIMESTAMP, _DURATION = 1, 2


class Setup(msgspec.Struct, array_like=True):
    """The first frame: the program, its limits, and whether its outputs are wanted."""

    name: str
    source: str
    wants_outputs: bool
    limits: dict[str, int | float] = {}


class Dated(msgspec.Struct, array_like=True):
    """An event that JSON cannot carry; `timestamp` is in ns."""

    event_type: str
    fields: dict[str, Any]
    timestamp: int


class Job(msgspec.Struct, array_like=True):
    """Events to run: JSON lines or others, and their places in the order of all.

    One without events asks for the counters so far.
    """

    at: list[int]
    events: list[bytes | Dated]


class Result(msgspec.Struct, array_like=True):
    """What one event caused: JSON lines, printed text, errors; or why it is none."""

    at: int
    outputs: bytes = b""
    printed: str = ""
    faults: list[dict[str, Any]] = []
    rejected: str | None = None


class Answer(msgspec.Struct, array_like=True):
    """The results of a job that there is something to say about, and its counts.

    `streams` has the counters of streams by name where they were asked for.
    """

    results: list[Result]
    events: int
    outputs: int
    streams: dict[str, StreamMetrics] = {}


def _to_ext(value: Any) -> msgspec.msgpack.Ext:
    if value.__class__ is Timestamp:
        return msgspec.msgpack.Ext(_TIMESTAMP, _NS.pack(value.ns))
    if value.__class__ is Duration:
        return msgspec.msgpack.Ext(_DURATION, _NS.pack(value.ns))
    raise TypeError(f"a value of class {value.__class__.__name__} is in an event")


def _from_ext(code: int, data: memoryview) -> Timestamp | Duration:
    (ns,) = _NS.unpack(data)
    return Timestamp(ns) if code == _TIMESTAMP else Duration(ns)


_encode = msgspec.msgpack.Encoder(enc_hook=_to_ext).encode
decode_setup = msgspec.msgpack.Decoder(Setup).decode
decode_job = msgspec.msgpack.Decoder(Job, ext_hook=_from_ext).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def write_frame(stream: BinaryIO, frame: msgspec.Struct) -> None:
    """Write one frame and flush it."""
    data = _encode(frame)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame undecoded, None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None
