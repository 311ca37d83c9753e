"""Many events in one call (api.md 7.1 `events-batch`)."""

import time
from functools import partial
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import Response

from engine import Pipeline
from engine.encoding import encode
from engine.evt import BadLineError, EvtReader, as_payload, declared_fields
from engine.worker.batch import Batch
from engine.worker.deadline import reply_timeout_s
from engine.worker.errors import bad_request
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.limits import (
    BATCH_LIMIT,
    JSON_TYPES,
    NDJSON_TYPES,
    media_type,
    read_body,
)
from engine.worker.payloads import count_events, estimate_events
from engine.worker.pieces import Form
from engine.worker.requests import decode_object, query_choice
from engine.worker.responses import raw_json
from engine.worker.services import services_of

if TYPE_CHECKING:
    from engine.reply import OutputForm

ACKS = ("processed", "accepted")
OUTPUTS = ("all", "count", "none")
MAX_FAMILY = 128


async def post_batch(request: Request) -> Response:
    """Run a batch in order; bad items are reported with their place in the input."""
    hosted = find_pipeline(request)
    services_of(request).host.refuse_when_stopping()
    kind = media_type(request, JSON_TYPES | NDJSON_TYPES)
    payload = await read_body(request, BATCH_LIMIT)
    payload, form = as_batch(kind, payload, hosted.pipeline)
    outputs = cast("OutputForm", query_choice(request, "outputs", OUTPUTS))
    ack = query_choice(request, "ack", ACKS)
    timeout_s = reply_timeout_s(request)
    hosted.check_room()
    batch = Batch(payload, form, outputs, query_family(request))
    work = partial(batch.answer, hosted)
    if ack == "accepted":
        events = count_events(payload, form)
        hosted.submit(work, events=events).add_done_callback(hosted.report_lost)
        return raw_json(encode({"accepted": events, "failed": 0}), 202)
    events = estimate_events(payload, form)
    answer = await hosted.run(
        work, events=events, size=len(payload), timeout_s=timeout_s
    )
    return raw_json(_unfinished(events) if answer is None else answer)


def _unfinished(events: int) -> bytes:
    """Return the answer to a batch that the caller does not wait for any longer."""
    return encode({
        "accepted": events,
        "failed": 0,
        "output_events": [],
        "complete": False,
    })


def as_batch(kind: str, payload: bytes, pipeline: Pipeline) -> tuple[bytes, Form]:
    """Return a batch for a pipeline and which of the three forms it has; raises 400.

    `{"events_text": ".."}`, the lines of an event file, becomes NDJSON.
    """
    if kind in NDJSON_TYPES:
        return payload, "ndjson"
    head = payload[:64].lstrip()
    if head.startswith(b"["):
        return payload, "array"
    if head[1:].lstrip().startswith(b'"events_text"'):
        text = decode_object(payload).get("events_text")
        return evt_batch(text, pipeline), "ndjson"
    if head.startswith(b"{"):
        return payload, "events"
    raise bad_request('a batch is a JSON array, {"events": [..]} or NDJSON', "$")


def evt_batch(text: object, pipeline: Pipeline) -> bytes:
    """Return the events of `.evt` text as NDJSON, dated from now on; raises 400.

    Values by position take the names of the fields that the program declares.
    """
    if not isinstance(text, str):
        raise bad_request("events_text: must be a text", "events_text")
    declared = declared_fields(pipeline.program)
    reader = EvtReader(declared, time.time_ns(), types=pipeline.consumes)
    try:
        found = list(reader.read(text.split("\n")))
    except BadLineError as error:
        raise bad_request(f"events_text: {error}", "events_text") from error
    return b"\n".join(as_payload(item) for item in found)


def query_family(request: Request) -> str | None:
    """Return the route's prefix for all events of the batch; raises 400."""
    family = request.query_params.get("family")
    if family is None or 1 <= len(family) <= MAX_FAMILY:
        return family
    raise bad_request(f"family: must have 1 to {MAX_FAMILY} characters", "family")
