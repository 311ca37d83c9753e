"""What stands around an event in an inject body: its id and its family."""

from dataclasses import dataclass
from typing import Any

import msgspec

from engine.worker.errors import bad_request

MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Envelope:
    """`event_id` keeps repeats from being done twice; `family` is the prefix of the
    route an event came by (api.md 6.5)."""

    event_id: str | None = None
    family: str | None = None


class _Members(msgspec.Struct):
    event_type: Any = None
    id: Any = None
    family: Any = None
    fields: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Members)


def read_envelope(raw: bytes) -> Envelope:
    """Return the envelope of a body that is one event already known to be sound.

    In a flat body, without `fields` or `data`, `id` and `family` are fields of the
    event like any other.
    """
    members = _decoder.decode(raw)
    if members.fields is msgspec.UNSET and members.data is msgspec.UNSET:
        return Envelope()
    return Envelope(_text(members.id, "id"), _text(members.family, "family"))


def _text(value: object, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and 1 <= len(value) <= MAX_ID:
        return value
    raise bad_request(f"{name}: must be a text of 1 to {MAX_ID} characters", name)
