"""The worker's HTTP application: which path leads to which handler."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from engine import BadEventError, PipelineClosedError, QueueFullError
from engine.worker.errors import (
    ApiError,
    bad_request,
    internal,
    pipeline_not_found,
    queue_full,
)
from engine.worker.gate import Gate
from engine.worker.handlers import (
    batches,
    events,
    ingest,
    logs,
    pipelines,
    process,
    programs,
    state,
)
from engine.worker.hot_paths import Answer, HotPaths
from engine.worker.routing import Handler, path
from engine.worker.services import Services

BASE = "/api/v1"
PIPELINE = f"{BASE}/pipelines/{{pipeline_id}}"
EVENT_CALLS: dict[str, Handler] = {
    "events": events.post_event,
    "events-batch": batches.post_batch,
    "ingest": ingest.post_stream,
}


def routes() -> list[BaseRoute]:
    """Return the routing table (api.md section 7)."""
    return [
        *(path(f"{PIPELINE}/{name}", POST=EVENT_CALLS[name]) for name in EVENT_CALLS),
        path(
            f"{BASE}/pipelines",
            GET=pipelines.list_pipelines,
            POST=pipelines.deploy_pipeline,
        ),
        path(
            PIPELINE,
            GET=pipelines.show_pipeline,
            DELETE=pipelines.delete_pipeline,
        ),
        path(f"{PIPELINE}/metrics", GET=pipelines.show_metrics),
        path(f"{PIPELINE}/logs", GET=logs.stream_outputs),
        path(f"{PIPELINE}/checkpoint", POST=state.take_checkpoint),
        path(f"{PIPELINE}/restore", POST=state.restore_checkpoint),
        path(f"{PIPELINE}/reload", POST=state.reload_pipeline),
        path(f"{BASE}/validate", POST=programs.validate),
        path("/health", GET=process.health),
        path("/ready", GET=process.ready),
        path("/metrics", GET=process.metrics),
    ]


def build_app(services: Services) -> ASGIApp:
    """Return the ASGI application of a worker."""
    app = _build(services, routes())
    hot = HotPaths(app, f"{BASE}/pipelines/", EVENT_CALLS, ANSWERS)
    return Gate(hot, services.config)


def build_plain_app(services: Services) -> ASGIApp:
    """Return the application of a worker without its short way for events."""
    return Gate(_build(services, routes()), services.config)


def build_metrics_app(services: Services) -> ASGIApp:
    """Return the application behind `--metrics-port`."""
    app = _build(services, [path("/metrics", GET=process.metrics)])
    return Gate(app, services.config)


def _build(services: Services, table: list[BaseRoute]) -> Starlette:
    app = Starlette(routes=table, exception_handlers=ANSWERS)
    app.router.redirect_slashes = False
    app.state.services = services
    return app


def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


def _http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: unknown paths."""
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "bad_request"
    message = f"no such path: {request.scope['path']}"
    return ApiError(error.status_code, code, message).response()


def _bad_event(_request: Request, error: Exception) -> Response:
    """Answer a batch that is none as a whole."""
    return bad_request(str(error)).response()


def _closed(request: Request, _error: Exception) -> Response:
    """Answer an event whose pipeline was removed while it was on its way."""
    return pipeline_not_found(request.path_params["pipeline_id"]).response()


def _no_room(_request: Request, error: Exception) -> Response:
    """Answer events that found no room in their contexts in time."""
    return queue_full(str(error)).response()


def _gone(_request: Request, _error: Exception) -> Response:
    """Nobody reads this answer: the caller has hung up."""
    return Response(status_code=400)


def _internal(request: Request, _error: Exception) -> Response:
    """Answer what nobody foresaw; the gate logs it under the same id."""
    return internal(request.scope["request_id"]).response()


ANSWERS: dict[type[Exception], Answer] = {
    ApiError: _api_error,
    BadEventError: _bad_event,
    PipelineClosedError: _closed,
    QueueFullError: _no_room,
    HTTPException: _http_error,
    ClientDisconnect: _gone,
    Exception: _internal,
}
