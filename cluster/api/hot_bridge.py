"""Let a Django request be answered by the hot path's own endpoints.

The coordinator answers inject and heartbeat beside Django (`cluster.hot`), so these
views are reached only where Django runs alone. They build the parts of the hot path
for one request and take them down again: right, not fast.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse

from cluster.exceptions import ClusterError
from cluster.hot import answer
from cluster.hot.answer import Answer
from cluster.hot.database_thread import DatabaseThread
from cluster.hot.delivery import Delivery
from cluster.hot.heartbeat_desk import HeartbeatDesk
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.hot.worker_session import WorkerSession

logger = logging.getLogger("varpulis_cluster")


@dataclass(frozen=True, slots=True)
class HotParts:
    """What the endpoints of the hot path are made of."""

    table: RoutingTable
    desk: HeartbeatDesk
    delivery: Delivery


Endpoint = Callable[[HotParts, HotRequest], Awaitable[Answer]]


def answer_hot(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Answer with an endpoint of the hot path, errors included."""
    found, request_id = async_to_sync(_run)(request, endpoint)
    response = HttpResponse(
        found.body, status=found.status, content_type="application/json"
    )
    for name, value in found.headers:
        response[name.decode("ascii")] = value.decode("latin-1")
    response["X-Request-Id"] = request_id
    return response


async def _run(request: HttpRequest, endpoint: Endpoint) -> tuple[Answer, str]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    hot_request = HotRequest(_scope(request), receive)
    try:
        async with _parts() as parts:
            return await endpoint(parts, hot_request), hot_request.request_id
    except ClusterError as error:
        return answer.of_error(error), hot_request.request_id


@asynccontextmanager
async def _parts() -> AsyncIterator[HotParts]:
    database = DatabaseThread()
    table, workers = RoutingTable(database), WorkerSession()
    parts = HotParts(table, HeartbeatDesk(database), Delivery(table, workers, database))
    await table.start()
    await workers.start()
    await parts.desk.start()
    try:
        yield parts
    finally:
        await parts.desk.stop()
        await parts.delivery.stop()
        await table.stop()
        await workers.stop()
        database.close()


def _scope(request: HttpRequest) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.items()
    ]
    return {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (request.META.get("REMOTE_ADDR", ""), 0),
        "scheme": request.scheme,
        "server": (request.META.get("SERVER_NAME", ""), 0),
    }
