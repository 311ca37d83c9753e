"""Event payloads of HTTP calls: read by `engine.wire`, refused as API errors."""

from engine import BadEventError, Event, EventTooLargeError
from engine.wire import decode_json, event_of
from engine.worker.envelope import Envelope, read_envelope
from engine.worker.errors import ApiError, bad_request


def decode_event(raw: bytes) -> tuple[Event, Envelope]:
    """Return the event of a body and what stands around it; raises 400 or 413."""
    try:
        body = decode_json(raw)
    except BadEventError as error:
        raise ApiError(400, "bad_json", f"the body is {error}") from error
    try:
        event = event_of(body)
    except EventTooLargeError as error:
        raise ApiError(413, "body_too_large", str(error)) from error
    except BadEventError as error:
        raise bad_request(str(error)) from error
    return event, read_envelope(body)


_SAMPLE_BYTES = 4096


def count_events(payload: bytes, form: str) -> int:
    """Return how many events a batch holds, at least 1, without decoding it."""
    if form == "ndjson":
        return max(1, payload.count(b"\n") + (not payload.endswith(b"\n")))
    return max(1, payload.count(b'"event_type"'))


def estimate_events(payload: bytes, form: str) -> int:
    """Return about how many events a batch holds, judged by how it begins."""
    if len(payload) <= _SAMPLE_BYTES:
        return count_events(payload, form)
    share = count_events(payload[:_SAMPLE_BYTES], form)
    return share * len(payload) // _SAMPLE_BYTES
