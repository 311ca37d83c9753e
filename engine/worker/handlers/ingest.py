"""A stream of events of any length (api.md 7.1 `ingest`)."""

import time
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from engine import QueueFullError
from engine.line_cutter import MAX_LINE_BYTES, LineCutter
from engine.worker.batch import Batch
from engine.worker.errors import queue_full
from engine.worker.handlers.batches import query_family
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.hosted import HostedPipeline
from engine.worker.limits import NDJSON_TYPES, body_pieces, media_type
from engine.worker.payloads import estimate_events
from engine.worker.responses import raw_json
from engine.worker.services import services_of
from engine.worker.tally import STREAM_ERRORS, Tally

TOO_LONG: Final = f"the line is longer than {MAX_LINE_BYTES} bytes"


async def post_stream(request: Request) -> Response:
    """Run lines as they arrive; reading waits for the pipeline, so a fast sender is
    slowed down by TCP and nothing piles up here. A pipeline that takes no more lines
    for the reply timeout ends the stream with 429, whose details say what was done."""
    hosted = find_pipeline(request)
    services_of(request).host.refuse_when_stopping()
    media_type(request, NDJSON_TYPES)
    family = query_family(request)
    started = time.perf_counter()
    cutter, tally = LineCutter(), Tally("count", STREAM_ERRORS)
    async for piece in body_pieces(request):
        for block in cutter.feed(piece):
            await _take(hosted, tally, block, family)
    if rest := cutter.rest():
        await _take(hosted, tally, rest, family)
    took_us = int((time.perf_counter() - started) * 1_000_000)
    return raw_json(tally.stream_answer(took_us))


async def _take(
    hosted: HostedPipeline, tally: Tally, block: bytes | None, family: str | None
) -> None:
    if block is None:
        tally.add_refused(1, TOO_LONG)
        return
    await hosted.wait_for_room()
    batch = Batch(block, "ndjson", "count", family, STREAM_ERRORS)
    events = estimate_events(block, "ndjson")
    try:
        found = await hosted.run(
            partial(batch.run, hosted), events=events, size=len(block)
        )
    except QueueFullError as error:
        raise queue_full(str(error), **tally.counts()) from error
    assert found is not None  # there was no timeout
    tally.append(found)
    if tally.was_refused:
        message = f"pipeline {hosted.name!r} has no room for events"
        raise queue_full(message, **tally.counts())
