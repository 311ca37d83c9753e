"""Values of the language -> JSON bytes (vpl.md sections 3 and 18.2)."""

from typing import Any

import msgspec

from engine.runtime.columns import Columns
from engine.runtime.values import Duration, Timestamp, iso_text


def encode_value(value: object) -> object:
    """Return what JSON shows for a kind it does not have itself."""
    if value.__class__ is Timestamp:
        return iso_text(value.ns)
    if value.__class__ is Duration:
        return value.ns
    if isinstance(value, Columns):  # in a list: the texts of its events, in order
        return msgspec.Raw(value.to_json(b","))
    raise TypeError(f"a value of class {value.__class__.__name__} is in an event")


def _encode_line(value: object) -> object:
    if isinstance(value, Columns):
        return msgspec.Raw(value.to_json(b"\n"))
    return encode_value(value)


encode = msgspec.json.Encoder(enc_hook=encode_value).encode
encode_lines = msgspec.json.Encoder(enc_hook=_encode_line).encode_lines
"""Returns a list of outputs as NDJSON; columns give one line for each event."""


def to_plain(row: Any) -> dict[str, Any]:
    """Return an output event as a flat dict of JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(row, enc_hook=encode_value)
    return plain
