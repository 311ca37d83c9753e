"""The process itself: alive, ready, figures (api.md 7.2)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from engine.worker.auth import KeyCheck
from engine.worker.config import is_loopback_host
from engine.worker.headers import header_map
from engine.worker.identity import VERSION
from engine.worker.prometheus import EXPOSITION_TYPE, exposition
from engine.worker.responses import json_response
from engine.worker.services import services_of

PROXY_HEADERS = (b"forwarded", b"x-forwarded-for")


async def health(request: Request) -> Response:
    """Say that the process answers, and where it belongs."""
    services = services_of(request)
    body: dict[str, Any] = {
        "status": "healthy",
        "uptime_seconds": round(services.uptime_s, 1),
        "version": VERSION,
        "worker_id": services.identity.worker_id,
    }
    if services.link:
        body["coordinator"] = services.link.status()
    return json_response(body)


async def ready(request: Request) -> Response:
    """Say whether deploys are taken and all connectors are connected."""
    host = services_of(request).host
    faulty = [fault for hosted in host.all() for fault in hosted.faults()]
    if host.is_stopping or faulty:
        reason = "stopping" if host.is_stopping else "connectors are not connected"
        body = {"status": "not_ready", "reason": reason, "faulty": faulty}
        return json_response(body, 503)
    totals = host.totals()
    return json_response({
        "status": "ready",
        "pipelines": totals.pipelines,
        "streams_count": totals.streams,
        "events_processed": totals.events_in,
        "output_events_emitted": totals.events_out,
    })


async def metrics(request: Request) -> Response:
    """Give figures to Prometheus; to this machine, or to all if so wanted, without a key."""
    services = services_of(request)
    peer = request.client.host if request.client else ""
    headers = header_map(request.scope)
    proxied = any(name in headers for name in PROXY_HEADERS)
    is_open = services.config.metrics_public
    if not is_open and (proxied or not is_loopback_host(peer)):
        refusal = KeyCheck(services.config.api_key).refuse(headers)
        if refusal is not None:
            raise refusal
    return PlainTextResponse(exposition(services), media_type=EXPOSITION_TYPE)
