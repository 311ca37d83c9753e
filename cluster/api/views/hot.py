"""Inject and heartbeat (api.md 4.2, 4.4): documented here, answered by `cluster.hot`."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.documented import answers, query
from cluster.api.hot_bridge import HotParts, answer_hot
from cluster.api.parsers import BATCH_LIMIT
from cluster.api.serializers.injection import (
    BatchInput,
    BatchOutput,
    EventInput,
    InjectOutput,
)
from cluster.api.serializers.workers import HeartbeatInput, HeartbeatOutput
from cluster.hot.answer import Answer
from cluster.hot.heartbeat import HeartbeatEndpoint
from cluster.hot.inject import InjectEndpoint
from cluster.hot.inject_batch import InjectBatchEndpoint
from cluster.hot.request import HotRequest
from cluster.services.heartbeats import Heartbeat

CALL_ERRORS = (404, 405, 409, 413, 415, 422, 429, 502, 503, 504)
ACK = query("ack", "processed (default) or accepted")


class HotView(ClusterView):
    """Hands every request on: key, method and body are checked there, in one place."""

    roles = {"POST": Role.OPERATOR}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check nothing twice."""
        chosen = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = chosen

    def delegate(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer one request."""
        selector = next(iter(kwargs.values()))

        async def endpoint(parts: HotParts, hot_request: HotRequest) -> Answer:
            return await self.answer(parts, hot_request, selector)

        return answer_hot(request._request, endpoint)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the endpoint say so, after it has checked the key."""
        return self.delegate(request, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the endpoint judge this method like any other."""
        return self.delegate(request, *args, **kwargs)

    async def answer(
        self, parts: HotParts, request: HotRequest, selector: str
    ) -> Answer:
        """Return the answer of the endpoint that this view stands for."""
        raise NotImplementedError

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Keep the request id that the endpoint gave."""
        given = response.headers.get("X-Request-Id")
        response = super().finalize_response(request, response, *args, **kwargs)
        if given:
            response["X-Request-Id"] = given
        return response


class HeartbeatView(HotView):
    """Reports of a worker."""

    roles = {"POST": Role.WORKER}

    @extend_schema(
        operation_id="heartbeat",
        request=HeartbeatInput,
        responses=answers({200: HeartbeatOutput}, 404, 409, 415),
    )
    def post(self, request: Request, worker_id: str) -> HttpResponse:
        """Take a report; the key is the worker's own."""
        return self.delegate(request, worker_id=worker_id)

    async def answer(
        self, parts: HotParts, request: HotRequest, selector: str
    ) -> Answer:
        """Return the answer to a heartbeat."""
        endpoint = HeartbeatEndpoint(parts.table, parts.desk, _nobody)
        return await endpoint.answer(request, selector)


class InjectView(HotView):
    """One event for a group."""

    @extend_schema(
        operation_id="inject_event",
        parameters=[ACK, query("explain", "tell the route", OpenApiTypes.BOOL)],
        request=EventInput,
        responses=answers({200: InjectOutput}, *CALL_ERRORS),
    )
    def post(self, request: Request, group_id: str) -> HttpResponse:
        """Route an event to the pipeline that takes it, and answer its outputs."""
        return self.delegate(request, group_id=group_id)

    async def answer(
        self, parts: HotParts, request: HotRequest, selector: str
    ) -> Answer:
        """Return the answer to an inject."""
        endpoint = InjectEndpoint(parts.table, parts.delivery)
        return await endpoint.answer(request, selector)


class InjectBatchView(HotView):
    """Many events for a group."""

    body_limit = BATCH_LIMIT

    @extend_schema(
        operation_id="inject_batch",
        parameters=[
            ACK,
            query("outputs", "all (default), count or none"),
            query("outputs_limit", "at most so many outputs", OpenApiTypes.INT),
            query("on_error", "continue (default) or abort"),
        ],
        request={
            "application/json": BatchInput,
            "application/x-ndjson": OpenApiTypes.STR,
        },
        responses=answers({200: BatchOutput}, *CALL_ERRORS),
    )
    def post(self, request: Request, group_id: str) -> HttpResponse:
        """Route events to their pipelines, each target in the order of the input."""
        return self.delegate(request, group_id=group_id)

    async def answer(
        self, parts: HotParts, request: HotRequest, selector: str
    ) -> Answer:
        """Return the answer to a batch."""
        endpoint = InjectBatchEndpoint(parts.table, parts.delivery)
        return await endpoint.answer(request, selector)


def _nobody(beat: Heartbeat) -> None:
    """Take no notice: nobody watches where Django runs alone."""
