"""The short way of an inject: sent on as it arrives, with no task and no ASGI.

It takes plain events whose group, route and worker are known and ready just now, which
are nearly all. Whatever else comes is left to the long way (`cluster.hot.inject`),
untouched, so that every refusal is written down in one place; and an answer that is not
the usual one is settled by the same code as there.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial

from cluster import conf
from cluster.access import Role, role_of_key
from cluster.event_routing import RouteMatch
from cluster.exceptions import ClusterError
from cluster.hot import answer
from cluster.hot.answer import Answer, Reply
from cluster.hot.caller import is_our_host
from cluster.hot.delivery import Delivery, Outcome
from cluster.hot.inject import decode_event, event_header, inject_body, worker_event
from cluster.hot.plain_head import PlainHead
from cluster.hot.request import choose_request_id
from cluster.hot.routing_table import CACHED_TYPES, RoutingTable
from cluster.hot.targets import find_group, match_target, why_unavailable
from cluster.hot.worker_connection import WorkerReply
from cluster.hot.worker_request import (
    UnsendableError,
    WorkerSocket,
    request_head,
    socket_at,
    with_body,
)
from cluster.hot.worker_session import Deadline, Letter, WorkerSession, call_error
from cluster.metrics.series import ACCEPTED, FAILED, SERIES
from cluster.routing_snapshot import RoutedGroup, RoutedPlacement, RoutingSnapshot

logger = logging.getLogger("varpulis_cluster")

CALL = "events"
MEDIA_TYPE = "application/json"
PROCESSED = 200


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """Where the events of one type go under one snapshot, and how they are sent."""

    group: RoutedGroup
    match: RouteMatch
    placement: RoutedPlacement
    socket: WorkerSocket
    head: bytes
    timeout_s: float


@dataclass(slots=True)
class Exchange:
    """One event on its way to a worker and its answer back to the caller."""

    call: ReadyCall
    body: bytes
    deadline: Deadline
    event_id: str
    request_id: str
    reply: Reply
    started_s: float

    def answer(self, given: Answer) -> None:
        """Answer the caller and count it."""
        result = ACCEPTED if given.status == PROCESSED else FAILED
        took_s = time.perf_counter() - self.started_s
        SERIES.injected(self.call.group.name, result, 1, took_s)
        self.reply(given, self.request_id)


class Express:
    """Sends plain injects to their workers; belongs to the event loop."""

    def __init__(
        self, table: RoutingTable, delivery: Delivery, workers: WorkerSession
    ) -> None:
        """Keep who knows the routes, who settles trouble and who calls workers."""
        self._table = table
        self._delivery = delivery
        self._workers = workers
        self._snapshot: RoutingSnapshot | None = None
        self._calls: dict[tuple[str, str], ReadyCall | None] = {}
        self._settling: set[asyncio.Task[None]] = set()

    def begin(self, head: PlainHead, body: bytes, reply: Reply) -> bool:
        """Send the event on and call `reply` later; False: it must go the long way."""
        if head.scope["query_string"] or head.media_type != MEDIA_TYPE:
            return False
        if not self._table.is_current or not _may_inject(head):
            return False
        try:
            event = decode_event(body)
        except ClusterError:
            return False
        call = self._call_of(head.target, event.event_type)
        if call is None:
            return False
        request_id = choose_request_id(head.sent_id)
        exchange = Exchange(
            call,
            worker_event(event, call.match.family),
            Deadline.after(call.timeout_s),
            event.id or request_id,
            request_id,
            reply,
            time.perf_counter(),
        )
        return self._workers.try_send(
            call.socket,
            with_body(call.head, exchange.body),
            timeout_s=call.timeout_s,
            answered=partial(self._answered, exchange),
        )

    async def stop(self) -> None:
        """Wait until what went wrong is settled."""
        if self._settling:
            await asyncio.gather(*self._settling)

    def _call_of(self, group: str, event_type: str) -> ReadyCall | None:
        """Return what `_ready_call` says, remembered as long as the snapshot holds."""
        snapshot = self._table.latest
        if snapshot is not self._snapshot or len(self._calls) >= CACHED_TYPES:
            self._snapshot, self._calls = snapshot, {}
        key = (group, event_type)
        try:
            return self._calls[key]
        except KeyError:
            found = self._calls[key] = self._ready_call(snapshot, group, event_type)
            return found

    def _ready_call(
        self, snapshot: RoutingSnapshot, selector: str, event_type: str
    ) -> ReadyCall | None:
        try:
            group = find_group(snapshot, selector)
            match = match_target(self._table, group, event_type)
        except ClusterError:
            return None
        placement = group.placements[match.to_pipeline]
        if why_unavailable(placement) is not None:
            return None
        timeout_s = conf.current().http_timeout
        try:
            head = request_head(placement, CALL, MEDIA_TYPE, timeout_s)
        except UnsendableError:
            return None
        socket = socket_at(placement.address or "", placement.pinned_host)
        return ReadyCall(group, match, placement, socket, head, timeout_s)

    def _answered(self, exchange: Exchange, outcome: WorkerReply | Exception) -> None:
        """Answer the caller at once, or hand over what needs more than that."""
        place = exchange.call.placement
        if isinstance(outcome, Exception):
            error = call_error(place, outcome)
            self._delivery.note(place.worker_id or "", error)
            self._hand_over(exchange, error)
            return
        self._delivery.note(place.worker_id or "", None)
        status, raw = outcome
        if status == PROCESSED:
            exchange.answer(_answer_of(exchange, place, raw))
        else:
            self._hand_over(exchange, outcome)

    def _hand_over(self, exchange: Exchange, outcome: Outcome) -> None:
        task = asyncio.create_task(self._settle(exchange, outcome))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, exchange: Exchange, outcome: Outcome) -> None:
        call = exchange.call
        letter = Letter(CALL, exchange.body, MEDIA_TYPE, exchange.deadline)
        try:
            place, raw = await self._delivery.settle(
                call.group, call.placement, letter, outcome
            )
            given = _answer_of(exchange, place, raw)
        except ClusterError as error:
            given = answer.of_error(error)
        except Exception:  # the process boundary: the caller must not wait for ever
            logger.exception("Request %s failed", exchange.request_id)
            given = answer.internal_error(exchange.request_id)
        exchange.answer(given)


def _answer_of(exchange: Exchange, place: RoutedPlacement, raw: bytes) -> Answer:
    try:
        body = inject_body(exchange.call.match.to_pipeline, place, raw)
    except ClusterError as error:
        return answer.of_error(error)
    return Answer(PROCESSED, body, [event_header(exchange.event_id)])


def _may_inject(head: PlainHead) -> bool:
    """Tell whether host and key are good; the key is compared each time."""
    if not is_our_host(head.host):
        return False
    role = role_of_key(head.key) if head.key else None
    return role is not None and role.allows(Role.OPERATOR)
