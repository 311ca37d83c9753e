"""What one message of a sink holds: an event, or an array of them."""

from collections.abc import Sequence

import msgspec

_decode = msgspec.json.Decoder(list[msgspec.Raw]).decode


def events_of(message: bytes) -> Sequence[bytes]:
    """Return the events of a message, each one JSON object."""
    if not message.startswith(b"["):
        return (message,)
    return [bytes(event) for event in _decode(message)]
