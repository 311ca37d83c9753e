"""Deploy, list, show and delete pipelines (api.md 7.1)."""

import unicodedata
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engine.limit_policy import shown_limits
from engine.worker.deployment import Deployment
from engine.worker.errors import bad_request, diagnostic_json
from engine.worker.handlers.limits import check_limits
from engine.worker.hosted import HostedPipeline
from engine.worker.limits import PROGRAM_LIMIT
from engine.worker.requests import convert, json_object, query_flag, query_page
from engine.worker.responses import json_response
from engine.worker.services import services_of

MAX_NAME = 128


async def deploy_pipeline(request: Request) -> Response:
    """Run a program; the same id again is answered like the first time."""
    body = await json_object(request, PROGRAM_LIMIT)
    strict = query_flag(request, "strict")
    deployment, warnings = convert(body, Deployment, strict=strict)
    check_deployment(deployment)
    check_limits(deployment.limits, services_of(request).config.limits)
    hosted, created = await services_of(request).host.deploy(deployment)
    answer = deploy_answer(hosted, created=created)
    if warnings:
        answer["warnings"] = warnings
    if hosted.pipeline.diagnostics:
        answer["diagnostics"] = [
            diagnostic_json(item) for item in hosted.pipeline.diagnostics
        ]
    return json_response(answer, 201)


async def list_pipelines(request: Request) -> Response:
    """Show all pipelines, oldest first."""
    limit, offset = query_page(request)
    pipelines = services_of(request).host.all()
    total = len(pipelines)
    page = pipelines[offset : offset + limit]
    return json_response({
        "pipelines": [pipeline_json(hosted) for hosted in page],
        "total": total,
        "pagination": {
            "total": total,
            "limit": limit,
            "offset": offset,
            "has_more": offset + len(page) < total,
        },
    })


async def show_pipeline(request: Request) -> Response:
    """Show one pipeline."""
    hosted = find_pipeline(request)
    connectors = [used.as_json() for used in hosted.connectors()]
    limits = shown_limits(hosted.pipeline.limits)
    return json_response(
        pipeline_json(hosted) | {"limits": limits, "connectors": connectors}
    )


async def delete_pipeline(request: Request) -> Response:
    """Stop a pipeline."""
    await services_of(request).host.remove(find_pipeline(request).id)
    return json_response({"deleted": True})


async def show_metrics(request: Request) -> Response:
    """Show the figures of one pipeline."""
    hosted = find_pipeline(request)
    metrics = hosted.pipeline.metrics()
    latency = hosted.latency
    return json_response({
        "pipeline_id": hosted.id,
        "events_processed": metrics.events_in,
        "output_events_emitted": metrics.events_out,
        "errors": metrics.errors,
        "stopped": metrics.stopped,
        "rejected": metrics.rejected,
        "unrouted": metrics.unrouted,
        "queue_depth": hosted.queue_depth,
        "queue_limit": hosted.queue_limit,
        "latency": {
            "calls": latency.count,
            "p50_ms": latency.quantile_s(0.5) * 1000,
            "p99_ms": latency.quantile_s(0.99) * 1000,
        },
        "streams": metrics.streams,
    })


def find_pipeline(request: Request) -> HostedPipeline:
    """Return the pipeline the path names; raises 404."""
    return services_of(request).host.get(request.path_params["pipeline_id"])


def check_deployment(deployment: Deployment) -> None:
    """Raise 400 for names and numbers that cannot be meant."""
    name = deployment.name
    if not is_pipeline_name(name):
        raise bad_request(
            f"name: {name!r} is not a pipeline name: 1 to {MAX_NAME} characters "
            "without '#', '/' and control characters, and not '_external'",
            "name",
        )
    if deployment.id is not None and not is_pipeline_name(deployment.id):
        raise bad_request("id: 1 to 128 characters without '#' and '/'", "id")
    if deployment.generation < 0:
        raise bad_request("generation: must not be negative", "generation")


def is_pipeline_name(text: str) -> bool:
    """Tell whether a text may name a pipeline (api.md section 1)."""
    if not 1 <= len(text) <= MAX_NAME or text == "_external":
        return False
    return not any(c in "#/" or unicodedata.category(c)[0] == "C" for c in text)


def deploy_answer(hosted: HostedPipeline, *, created: bool) -> dict[str, Any]:
    """Return the answer to a deploy."""
    return {
        "id": hosted.id,
        "name": hosted.name,
        "status": "running",
        **_program_json(hosted),
        "generation": hosted.deployment.generation,
        "created": created,
    }


def pipeline_json(hosted: HostedPipeline) -> dict[str, Any]:
    """Return a pipeline as lists and details show it."""
    metrics = hosted.pipeline.metrics()
    wanted = hosted.deployment
    return {
        "id": hosted.id,
        "name": hosted.name,
        "status": "running",
        "source": wanted.source,
        "uptime_secs": round(hosted.uptime_s, 1),
        "group_id": wanted.group_id,
        "replica": wanted.replica,
        "generation": wanted.generation,
        "cluster_id": wanted.cluster_id,
        **_program_json(hosted),
        "events_in": metrics.events_in,
        "events_out": metrics.events_out,
        "queue_depth": hosted.queue_depth,
    }


def _program_json(hosted: HostedPipeline) -> dict[str, Any]:
    pipeline = hosted.pipeline
    return {
        "fingerprint": pipeline.fingerprint,
        "consumes": sorted(pipeline.consumes),
        "emits": sorted(pipeline.emits),
    }
