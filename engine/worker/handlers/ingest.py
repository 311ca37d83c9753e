"""A stream of events of any length (api.md 7.1 `ingest`)."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engine import BatchReply, QueueFullError
from engine.reply import QUEUE_FULL
from engine.worker.errors import ApiError, queue_full
from engine.worker.handlers.batches import batch_work, item_errors, query_family
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.hosted import HostedPipeline
from engine.worker.limits import NDJSON_TYPES, body_pieces, media_type
from engine.worker.lines import MAX_LINE_BYTES, LineCutter
from engine.worker.payloads import estimate_events
from engine.worker.responses import json_response
from engine.worker.services import services_of

MAX_ERRORS = 100


class Tally:
    """What has come of the lines so far; keeps the first 100 errors."""

    def __init__(self) -> None:
        self.accepted = 0
        self.failed = 0
        self.output_count = 0
        self.errors: list[dict[str, Any]] = []
        self.runtime_errors: list[dict[str, Any]] = []
        self.was_refused = False

    def add(self, reply: BatchReply) -> None:
        """Count the answer to the next block of lines."""
        self._note(item_errors(reply.rejected, self.accepted + self.failed))
        self.accepted += reply.accepted
        self.failed += len(reply.rejected)
        self.output_count += reply.output_count
        room = MAX_ERRORS - len(self.runtime_errors)
        self.runtime_errors += reply.errors[:room]
        last = reply.rejected[-1:]
        self.was_refused = bool(last) and last[0]["reason"] == QUEUE_FULL

    def add_overlong(self) -> None:
        """Count a line that was too long to be held."""
        reason = f"the line is longer than {MAX_LINE_BYTES} bytes"
        self._note(
            item_errors([{"index": self.accepted + self.failed, "reason": reason}])
        )
        self.failed += 1

    def refusal(self, message: str) -> ApiError:
        """Return the 429 that ends a stream, with the counts so far.

        `errors` name the lines that found no room by their index.
        """
        return queue_full(
            message,
            accepted=self.accepted,
            failed=self.failed,
            output_count=self.output_count,
            errors=self.errors,
        )

    def answer(self, took_s: float) -> dict[str, Any]:
        """Return the counts."""
        body: dict[str, Any] = {
            "accepted": self.accepted,
            "failed": self.failed,
            "output_count": self.output_count,
            "errors": self.errors,
            "errors_truncated": self.failed > len(self.errors),
            "processing_time_us": int(took_s * 1_000_000),
        }
        if self.runtime_errors:
            body["runtime_errors"] = self.runtime_errors
        return body

    def _note(self, errors: list[dict[str, Any]]) -> None:
        self.errors += errors[: MAX_ERRORS - len(self.errors)]


async def post_stream(request: Request) -> Response:
    """Run lines as they arrive; reading waits for the pipeline, so a fast sender is
    slowed down by TCP and nothing piles up here. A pipeline that takes no more lines
    for the reply timeout ends the stream with 429, whose details say what was done."""
    hosted = find_pipeline(request)
    services_of(request).host.refuse_when_stopping()
    media_type(request, NDJSON_TYPES)
    family = query_family(request)
    started = time.perf_counter()
    cutter, tally = LineCutter(), Tally()
    async for piece in body_pieces(request):
        for block in cutter.feed(piece):
            await _take(hosted, tally, block, family)
    if rest := cutter.rest():
        await _take(hosted, tally, rest, family)
    return json_response(tally.answer(time.perf_counter() - started))


async def _take(
    hosted: HostedPipeline, tally: Tally, block: bytes | None, family: str | None
) -> None:
    if block is None:
        tally.add_overlong()
        return
    await hosted.wait_for_room()
    work = batch_work(hosted, block, "ndjson", "count", family)
    events = estimate_events(block, "ndjson")
    try:
        reply = await hosted.run(work, events=events, size=len(block))
    except QueueFullError as error:
        raise tally.refusal(str(error)) from error
    assert reply is not None  # there was no timeout
    tally.add(reply)
    if tally.was_refused:
        raise tally.refusal(f"pipeline {hosted.name!r} has no room for events")
