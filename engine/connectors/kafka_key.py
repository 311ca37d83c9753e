"""The key of an event on its way to Kafka."""

from typing import Any

import msgspec

from engine.connectors.messages import events_of


class KafkaKey:
    """Reads the key out of an encoded event: a field's value, else the event's type.

    `field` is the connector's `key`, or "" without one. Texts are keys as they are,
    other values as JSON. The key of an array is that of its first event.
    """

    def __init__(self, field: str) -> None:
        if not field.isidentifier():  # nothing else can be a field's name
            field = ""
        members = [("event_type", msgspec.Raw, msgspec.Raw(b'""'))]
        if field and field != "event_type":
            members.append(("wanted", msgspec.Raw, msgspec.Raw(b"null")))
        shape = msgspec.defstruct(
            "Keyed", members, rename={"wanted": field} if field else None
        )
        self._decode = msgspec.json.Decoder(shape).decode

    def __call__(self, payload: bytes) -> bytes:
        """Return the key of one event."""
        event: Any = self._decode(events_of(payload)[0])
        wanted: msgspec.Raw | None = getattr(event, "wanted", None)
        if wanted is None or bytes(wanted) == b"null":
            wanted = event.event_type
        raw = bytes(wanted)
        if not raw.startswith(b'"'):
            return raw
        return msgspec.json.decode(raw, type=str).encode("utf-8", "surrogatepass")
