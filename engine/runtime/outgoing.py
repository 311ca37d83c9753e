"""Outputs -> the JSON objects that sinks get (vpl.md 18.2)."""

from collections.abc import Iterable
from typing import Any

import msgspec

from engine.encoding import encode
from engine.runtime.columns import Columns
from engine.runtime.values import iso_text

Entry = tuple[str, Any, Any]
"""A topic, an output or columns, and their timestamp in ns."""


def encode_for_sink(output: Any, stamp: int) -> bytes:
    """Return the flat JSON object of an output with its timestamp.

    `stamp` is in ns since 1970 UTC.
    """
    text = iso_text(stamp)
    if isinstance(output, msgspec.Struct):
        output.ts = text  # type: ignore[attr-defined]  # every output class has it
        payload = encode(output)
        output.ts = None  # type: ignore[attr-defined]  # replies go without
        return payload
    if "timestamp" in output:
        return encode(output)
    head = {"event_type": output["event_type"], "timestamp": text}
    return encode(head | output)


def payloads_of(entries: Iterable[Entry]) -> list[bytes]:
    """Return the JSON object of each event."""
    payloads: list[bytes] = []
    for _, output, stamp in entries:
        if output.__class__ is Columns:
            payloads += output.payloads(iso_text(stamp))
        else:
            payloads.append(encode_for_sink(output, stamp))
    return payloads
