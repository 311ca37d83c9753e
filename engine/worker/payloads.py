"""Event payloads of HTTP calls: read by `engine.wire`, refused as API errors."""

from engine import BadEventError, Event
from engine.wire import decode_event as decode
from engine.worker.errors import bad_request


def decode_event(raw: bytes) -> Event:
    """Return the event of a body; raises 400 for what is none."""
    try:
        return decode(raw)
    except BadEventError as error:
        raise bad_request(str(error)) from error


def estimate_events(payload: bytes, form: str) -> int:
    """Return about how many events a batch holds, at least 1, without decoding it."""
    if form == "ndjson":
        return max(1, payload.count(b"\n") + (not payload.endswith(b"\n")))
    return max(1, payload.count(b'"event_type"'))
