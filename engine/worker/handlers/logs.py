"""Watch what a pipeline gives, as it comes (api.md 7.1)."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from engine.worker.errors import bad_request
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.output_log import OutputLog, Watcher, as_event

QUIET_S = 15.0  # after which a comment shows that the connection lives
KINDS = {
    "all": frozenset(("output", "log")),
    "outputs": frozenset(("output",)),
    "log": frozenset(("log",)),
}


async def stream_outputs(request: Request) -> Response:
    """Send every output event and fault from now on, however their events came in."""
    kind = request.query_params.get("kind", "all")
    if kind not in KINDS:
        raise bad_request(f"kind must be one of {', '.join(KINDS)}, not '{kind[:40]}'")
    log = find_pipeline(request).output_log
    return StreamingResponse(
        _events(log, log.open(KINDS[kind])),
        media_type="text/event-stream",
        headers={"cache-control": "no-store"},
    )


async def _events(log: OutputLog, watcher: Watcher) -> AsyncIterator[bytes]:
    yield b": watching\n\n"
    try:
        while (entries := await watcher.read(QUIET_S)) is not None:
            yield b"".join(map(as_event, entries)) or b": quiet\n\n"
    finally:
        log.leave(watcher)
