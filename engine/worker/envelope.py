"""What stands around an event in an inject body: its id and its family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.worker.errors import bad_request

MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Envelope:
    """`event_id` keeps repeats from being done twice; `family` is the prefix of the
    route an event came by (api.md 6.5)."""

    event_id: str | None = None
    family: str | None = None


def read_envelope(body: Mapping[str, Any]) -> Envelope:
    """Return the envelope of a decoded body that is known to be an event.

    In a flat body, without an object `fields` or `data`, `id` and `family` are fields
    of the event like any other. Raises 400.
    """
    if isinstance(body.get("fields"), dict) or isinstance(body.get("data"), dict):
        return Envelope(_text(body, "id"), _text(body, "family"))
    return Envelope()


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and 1 <= len(value) <= MAX_ID):
        return value
    raise bad_request(f"{name}: must be a text of 1 to {MAX_ID} characters", name)
