"""One event into a pipeline (api.md 7.1, 6.5 acknowledgement)."""

import time

from starlette.requests import Request
from starlette.responses import Response

from engine import EngineError, Event, QueueFullError
from engine.encoding import encode
from engine.worker.deadline import DEFAULT_S, reply_timeout_s
from engine.worker.envelope import Envelope
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.hosted import HostedPipeline, OnTaken, Work
from engine.worker.limits import JSON_LIMIT, JSON_TYPES, media_type, read_body
from engine.worker.payloads import decode_event
from engine.worker.requests import query_choice, query_flag
from engine.worker.responses import raw_json
from engine.worker.services import services_of
from engine.worker.tally import event_answer

ACKS = ("processed", "accepted")
INCOMPLETE = b'{"accepted":true,"output_events":[],"complete":false}'
QUEUED = b'{"accepted":true,"output_events":[]}'
DUPLICATE = b'{"accepted":true,"output_events":[],"duplicate":true}'


async def post_event(request: Request) -> Response:
    """Run one event and answer with its outputs, or once it is queued."""
    hosted = find_pipeline(request)
    services_of(request).host.refuse_when_stopping()
    media_type(request, JSON_TYPES)
    raw = await read_body(request, JSON_LIMIT)
    event, envelope = decode_event(raw)
    ack = query_choice(request, "ack", ACKS)
    explain = query_flag(request, "explain")
    timeout_s = reply_timeout_s(request)
    hosted.check_room()
    if envelope.event_id and not hosted.seen_ids.take(envelope.event_id):
        return raw_json(DUPLICATE)
    started = time.perf_counter()
    work = _work(hosted, event, envelope, timeout_s)
    if ack == "accepted":
        hosted.submit(work, events=1).add_done_callback(hosted.report_lost)
        return raw_json(QUEUED, 202)
    try:
        done = await hosted.run(work, events=1, size=len(raw), timeout_s=timeout_s)
    except QueueFullError:
        if envelope.event_id:  # it was not processed and may come again
            hosted.seen_ids.release(envelope.event_id)
        raise
    body = INCOMPLETE if done is None else done
    if explain:
        took_ms = (time.perf_counter() - started) * 1000
        body = _with_explanation(body, hosted, event, envelope, took_ms)
    return raw_json(body)


def answer_at_once(hosted: HostedPipeline, raw: bytes) -> bytes:
    """Return the answer to an event that `runs_at_once`, on the event loop.

    Raises ApiError for what is no event, and EngineError; it is not processed then.
    """
    event, envelope = decode_event(raw)
    if envelope.event_id and not hosted.seen_ids.take(envelope.event_id):
        return DUPLICATE
    work = _work(hosted, event, envelope, DEFAULT_S)
    try:
        return hosted.run_at_once(work)
    except EngineError:
        if envelope.event_id:
            hosted.seen_ids.release(envelope.event_id)
        raise


def _work(
    hosted: HostedPipeline, event: Event, envelope: Envelope, timeout_s: float
) -> Work[bytes]:
    pipeline, family = hosted.pipeline, envelope.family

    def work(on_taken: OnTaken) -> bytes:
        reply = pipeline.inject(
            event, family=family, timeout_s=timeout_s, on_taken=on_taken
        )
        return event_answer(reply)

    return work


def _with_explanation(
    body: bytes, hosted: HostedPipeline, event: Event, envelope: Envelope, took: float
) -> bytes:
    """Return the answer with what `?explain=true` asks for behind it."""
    consumes, family = hosted.pipeline.consumes, envelope.family
    by_family = event.event_type not in consumes and family in consumes
    extra = encode({
        "event_id": envelope.event_id,
        "delivered_as": family if by_family else event.event_type,
        "original_type": event.event_type,
        "pipeline_id": hosted.id,
        "generation": hosted.deployment.generation,
        "took_ms": round(took, 3),
    })
    return body[:-1] + b"," + extra[1:]
