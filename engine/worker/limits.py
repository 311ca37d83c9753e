"""Bounds on what a caller may send, and how slowly."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from engine.worker.errors import ApiError, bad_request
from engine.worker.headers import header_text

KIB = 1024
MIB = 1024 * KIB
JSON_LIMIT = 1 * MIB
PROGRAM_LIMIT = 4 * MIB  # calls that carry VPL
CHECKPOINT_LIMIT = 256 * 1024 * 1024
BATCH_LIMIT = 16 * MIB
HEAD_LIMIT = 64 * KIB
HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0  # between two pieces of a body
BODY_BUFFER = 128 * KIB  # of a body that nobody has read yet
BODY_IS_HERE = "body_is_here"  # set in the scope when the whole body has arrived
# An oversize body is read on for a while, so that the caller gets to the answer
# instead of a broken connection.
DISCARD_LIMIT = 16 * MIB
DISCARD_TIMEOUT_S = 2.0

JSON_TYPES = frozenset({"application/json"})
NDJSON_TYPES = frozenset({
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
})


def media_type(request: Request, allowed: frozenset[str]) -> str:
    """Return the request's media type; raises 415 if it is not one of `allowed`.

    Required, as a browser can send bodies without a type to foreign hosts unasked.
    """
    content_type = header_text(request.scope, b"content-type")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in allowed:
        return kind
    wanted = " or ".join(sorted(allowed))
    said = f"{kind!r}" if kind else "none"
    raise ApiError(
        415, "unsupported_media_type", f"Content-Type must be {wanted}, not {said}"
    )


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body of at most `limit` bytes; raises 413 beyond."""
    announced = header_text(request.scope, b"content-length", "0")
    if len(announced) > 12 or int(announced) > limit:
        await _discard(request)
        raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    async for piece in body_pieces(request):
        size += len(piece)
        if size > limit:
            await _discard(request)
            raise _too_large(limit)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def body_pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; raises 400 if nothing comes for 30 s."""
    more = True
    while more:
        if request.scope.get(BODY_IS_HERE):
            message = await request.receive()
        else:
            message = await _next_message(request)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            yield piece


async def _next_message(request: Request) -> Message:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.receive()
    except TimeoutError:
        raise body_stalled() from None


def body_stalled() -> ApiError:
    """Return the 400 for a body of which nothing came for too long."""
    return bad_request(f"the body stalled for {BODY_TIMEOUT_S:.0f} s", close=True)


async def _discard(request: Request) -> None:
    size = 0
    try:
        async with asyncio.timeout(DISCARD_TIMEOUT_S):
            async for piece in body_pieces(request):
                size += len(piece)
                if size > DISCARD_LIMIT:
                    return
    except (TimeoutError, ClientDisconnect):
        return


def _too_large(limit: int) -> ApiError:
    return ApiError(
        413,
        "body_too_large",
        f"the body is larger than the {limit // MIB} MiB this call takes",
        details={"limit_bytes": limit},
        close=True,
    )
