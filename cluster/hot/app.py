"""The hot path as one small ASGI application beside Django."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings

from cluster import conf
from cluster.exceptions import ClusterError
from cluster.hot import answer
from cluster.hot.answer import Answer, Reply
from cluster.hot.caller import check_host
from cluster.hot.database_thread import DatabaseThread
from cluster.hot.delivery import Delivery
from cluster.hot.express import Express
from cluster.hot.heartbeat import HeartbeatEndpoint
from cluster.hot.heartbeat_desk import HeartbeatDesk
from cluster.hot.inject import InjectEndpoint
from cluster.hot.inject_batch import InjectBatchEndpoint
from cluster.hot.key_watch import KeyWatch
from cluster.hot.metrics_page import MetricsPage
from cluster.hot.plain_head import HEARTBEAT as HEARTBEAT_CALL
from cluster.hot.plain_head import INJECT as INJECT_CALL
from cluster.hot.plain_head import PlainHead
from cluster.hot.probes import Probes
from cluster.hot.protocol import Message, Receive, Scope, Send
from cluster.hot.request import ClientGoneError, HotRequest, choose_request_id
from cluster.hot.routing_table import RoutingTable
from cluster.hot.sweeper import Sweeper
from cluster.hot.worker_session import WorkerSession
from cluster.services.heartbeats import Heartbeat
from cluster.services.topology import mark_coordinator_started

logger = logging.getLogger("varpulis_cluster")

BASE = "/api/v1/cluster/"
GROUPS = f"{BASE}pipeline-groups/"
WORKERS = f"{BASE}workers/"
HEARTBEAT = "/heartbeat"
INJECT = "/inject"
INJECT_BATCH = "/inject-batch"


def _nobody(beat: Heartbeat) -> None:
    """Take no notice of a report."""


class HotApp:
    """Takes the paths that are called often; starts its parts in the server's loop."""

    def __init__(self, on_heartbeat: Callable[[Heartbeat], None] = _nobody) -> None:
        """Make nothing that needs a running loop or a database.

        `on_heartbeat` is told every report that was taken.
        """
        self._on_heartbeat = on_heartbeat
        self._started = False
        self._starting = asyncio.Lock()
        self._sweeper: Sweeper | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def takes(self, path: str) -> bool:
        """Tell whether the path is one of ours; a trailing slash changes nothing."""
        clean = path.removesuffix("/")
        if clean.startswith(GROUPS):
            return clean.endswith((INJECT, INJECT_BATCH))
        if clean.startswith(WORKERS):
            return clean.endswith(HEARTBEAT)
        return clean in {"/health", "/ready", "/metrics"}

    async def start(self) -> None:
        """Load the routes and start the background work of this process, once."""
        async with self._starting:
            if self._started:
                return
            self._database = DatabaseThread()
            await self._database.run(mark_coordinator_started, now=datetime.now(UTC))
            self._keys = KeyWatch(self._database)
            self._table = RoutingTable(self._database)
            self._workers = WorkerSession()
            self._desk = HeartbeatDesk(self._database)
            self._delivery = Delivery(self._table, self._workers, self._database)
            await self._keys.start()
            await self._table.start()
            await self._workers.start()
            await self._desk.start()
            self._wire()
            self._start_sweeper()
            self._started = True

    async def stop(self) -> None:
        """Store what waits and close everything."""
        if not self._started:
            return
        self._started = False
        if self._sweeper is not None:
            await asyncio.to_thread(self._sweeper.stop)
        await self._desk.stop()
        await self._express.stop()
        await self._delivery.stop()
        await self._table.stop()
        await self._keys.stop()
        await self._workers.stop()
        self._database.close()

    def sweep_age_s(self) -> float | None:
        """Return the seconds since the last sweep, wherever it ran; None: none yet."""
        if self._sweeper is not None:
            return self._sweeper.age_s()
        if not self._started or self._table.last_sweep_at is None:
            return None
        return (datetime.now(UTC) - self._table.last_sweep_at).total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing a request contains can raise out of here."""
        if not self._started:
            await self.start()
        request = HotRequest(scope, receive)
        reply = await self._reply_to(request)
        if reply is not None:
            await reply.send(send, request.request_id)

    def take(self, head: PlainHead, body: bytes, reply: Reply) -> None:
        """Answer a plain call, at once or later; `reply` is called in any case.

        What the short ways do not take, a refusal say, goes the way of other calls.
        """
        try:
            if self._goes_short_way(head, body, reply):
                return
        except Exception:  # the process boundary: one request must not end the others
            request_id = choose_request_id(head.sent_id)
            logger.exception("Request %s failed", request_id)
            reply(answer.internal_error(request_id), request_id)
            return
        task = asyncio.create_task(self._take_long_way(head, body, reply))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _goes_short_way(self, head: PlainHead, body: bytes, reply: Reply) -> bool:
        if not self._started:
            return False
        if head.call == INJECT_CALL:
            return self._express.begin(head, body, reply)
        if head.call != HEARTBEAT_CALL:
            return False
        given = self._heartbeat.answer_at_once(head, body)
        if given is not None:
            reply(given, choose_request_id(head.sent_id))
        return given is not None

    async def _take_long_way(self, head: PlainHead, body: bytes, reply: Reply) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        if not self._started:
            await self.start()
        request = HotRequest(head.scope, receive)
        given = await self._reply_to(request)
        if given is not None:
            reply(given, request.request_id)

    async def _reply_to(self, request: HotRequest) -> Answer | None:
        """Return the answer, None if nobody waits for it any more."""
        try:
            return await self._answer(request)
        except ClientGoneError:
            return None
        except ClusterError as error:
            return answer.of_error(error)
        except Exception:  # the process boundary: one request must not end the others
            logger.exception("Request %s failed", request.request_id)
            return answer.internal_error(request.request_id)

    async def _answer(self, request: HotRequest) -> Answer:
        check_host(request)
        path = request.path.removesuffix("/")
        if path.startswith(GROUPS):
            rest = path.removeprefix(GROUPS)
            if rest.endswith(INJECT):
                return await self._inject.answer(request, rest.removesuffix(INJECT))
            return await self._batch.answer(request, rest.removesuffix(INJECT_BATCH))
        if path.startswith(WORKERS):
            worker_id = path.removeprefix(WORKERS).removesuffix(HEARTBEAT)
            return await self._heartbeat.answer(request, worker_id)
        if path == "/health":
            return await self._probes.health(request)
        if path == "/metrics":
            return await self._metrics.answer(request)
        return await self._probes.ready(request)

    def _wire(self) -> None:
        self._inject = InjectEndpoint(self._table, self._delivery)
        self._express = Express(self._table, self._delivery, self._workers)
        self._batch = InjectBatchEndpoint(self._table, self._delivery)
        self._heartbeat = HeartbeatEndpoint(self._table, self._desk, self._on_heartbeat)
        self._metrics = MetricsPage(self._database)
        self._probes = Probes(self._table, self._database, self.sweep_age_s)

    def _start_sweeper(self) -> None:
        """Sweep in this process unless Celery beat does."""
        mode = settings.VARPULIS["SWEEPER"]
        if mode == "process" or (mode == "auto" and not settings.VARPULIS["BROKER"]):
            self._sweeper = Sweeper(interval_s=conf.current().sweep_interval)
            self._sweeper.start()
