"""State of a running pipeline: checkpoint, restore, reload (api.md 7.1)."""

import asyncio
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from engine import CheckpointError
from engine.worker.errors import ApiError, diagnostic_json
from engine.worker.handlers.limits import check_limits
from engine.worker.handlers.pipelines import find_pipeline
from engine.worker.limits import CHECKPOINT_LIMIT, PROGRAM_LIMIT
from engine.worker.requests import convert, json_object, query_flag
from engine.worker.responses import json_response
from engine.worker.services import services_of


class Reload(msgspec.Struct):
    """Another program for a pipeline, and whether unchanged streams go on.

    Without `limits` those of the deploy hold on.
    """

    source: str
    imports: dict[str, str] = {}
    limits: dict[str, Any] | None = None
    state: Literal["keep", "reset"] = "keep"


class Restore(msgspec.Struct):
    """A checkpoint as `checkpoint` answered it."""

    checkpoint: dict[str, Any]


async def take_checkpoint(request: Request) -> Response:
    """Answer the state of a pipeline, taken between two events."""
    hosted = find_pipeline(request)
    document = await asyncio.to_thread(hosted.pipeline.checkpoint)
    return json_response({
        "pipeline_id": hosted.id,
        "checkpoint": document,
        "events_processed": document["counters"]["events_in"],
    })


async def restore_checkpoint(request: Request) -> Response:
    """Let a pipeline go on from a checkpoint."""
    hosted = find_pipeline(request)
    body = await json_object(request, CHECKPOINT_LIMIT)
    wanted, _ = convert(body, Restore, strict=query_flag(request, "strict"))
    try:
        restored = await asyncio.to_thread(hosted.pipeline.restore, wanted.checkpoint)
    except CheckpointError as error:
        raise ApiError(409, "incompatible_state", str(error)) from error
    return json_response({
        "pipeline_id": hosted.id,
        "restored": True,
        "events_restored": hosted.pipeline.metrics().events_in,
        "state": restored.to_json(),
    })


async def reload_pipeline(request: Request) -> Response:
    """Run another program in a pipeline; a broken one changes nothing."""
    services = services_of(request)
    hosted = find_pipeline(request)
    body = await json_object(request, PROGRAM_LIMIT)
    wanted, _ = convert(body, Reload, strict=query_flag(request, "strict"))
    limits = hosted.deployment.limits if wanted.limits is None else wanted.limits
    check_limits(limits, services.config.limits)
    deployment = msgspec.structs.replace(
        hosted.deployment, source=wanted.source, imports=wanted.imports, limits=limits
    )
    restored = await services.host.reload(
        hosted, deployment, keeps_state=wanted.state == "keep"
    )
    pipeline = hosted.pipeline
    return json_response({
        "reloaded": True,
        "state": restored.to_json(),
        "fingerprint": pipeline.fingerprint,
        "diagnostics": [diagnostic_json(item) for item in pipeline.diagnostics],
    })
