"""Values of the language -> JSON bytes (vpl.md sections 3 and 18.2)."""

from typing import Any

import msgspec

from engine.runtime.values import Duration, Timestamp, iso_text


def encode_value(value: object) -> object:
    """Return what JSON shows for a kind it does not have itself."""
    if value.__class__ is Timestamp:
        return iso_text(value.ns)
    if value.__class__ is Duration:
        return value.ns
    raise TypeError(f"a value of class {value.__class__.__name__} is in an event")


_encoder = msgspec.json.Encoder(enc_hook=encode_value)
encode = _encoder.encode
encode_lines = _encoder.encode_lines


def to_plain(row: Any) -> dict[str, Any]:
    """Return an output event as a flat dict of JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(row, enc_hook=encode_value)
    return plain
