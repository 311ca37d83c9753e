"""POST pipeline-groups/{id}/inject-batch: many events, one call per target (5.8)."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

import msgspec

from cluster import conf
from cluster.access import Role
from cluster.exceptions import ClusterError
from cluster.hot import answer
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.batch_body import JSON_TYPE, NDJSON_TYPES, BatchInput, read_batch
from cluster.hot.batch_lane import Lane, WorkerSummary, cut, fault_of
from cluster.hot.batch_options import BatchOptions
from cluster.hot.batch_summary import summary_of
from cluster.hot.caller import require, role_of_caller
from cluster.hot.delivery import Delivery
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.hot.targets import match_target, standing_group
from cluster.hot.worker_answer import strange
from cluster.hot.worker_session import Deadline
from cluster.metrics.series import ACCEPTED, FAILED, SERIES
from cluster.routing_snapshot import RoutedGroup

LARGEST_BODY = 16 * 1024 * 1024  # bytes
MEDIA_TYPES = (JSON_TYPE, *sorted(NDJSON_TYPES))

_decode_summary = msgspec.json.Decoder(WorkerSummary).decode


class InjectBatchEndpoint:
    """Cuts a batch into lanes, one per target pipeline, and sends them side by side."""

    def __init__(self, table: RoutingTable, delivery: Delivery) -> None:
        """Keep who knows the routes and who calls the workers."""
        self._table = table
        self._delivery = delivery

    async def answer(self, request: HotRequest, selector: str) -> Answer:
        """Take one batch."""
        role = await role_of_caller(request)
        group = await standing_group(self._table, selector)
        if request.method != "POST":
            raise MethodNotAllowedError("POST", request.method)
        require(role, Role.OPERATOR)
        media_type = request.media_type(*MEDIA_TYPES)
        raw = await request.body(LARGEST_BODY)
        options = BatchOptions.of(request)
        started = time.perf_counter()
        batch = read_batch(raw, media_type)
        match = partial(match_target, self._table, group)
        lanes = cut(batch, match, aborts=options.aborts)
        sending = [self._send(group, batch, lane, options) for lane in lanes]
        if len(sending) == 1:
            await sending[0]
        else:
            await asyncio.gather(*sending)
        took_s = time.perf_counter() - started
        _count(group.name, batch, lanes, took_s)
        took_us = int(took_s * 1_000_000)
        reply = answer.ok(summary_of(batch, lanes, options, took_us))
        reply.status = 200 if options.ack == "processed" else 202
        return reply

    async def _send(
        self, group: RoutedGroup, batch: BatchInput, lane: Lane, options: BatchOptions
    ) -> None:
        """Send one lane, call after call, so that its order is kept."""
        for family, indexes in lane.calls():
            if options.aborts and lane.faults:
                return
            lane.sent += len(indexes)
            try:
                place, raw = await self._delivery.deliver(
                    group,
                    lane.pipeline,
                    _call(family, options),
                    batch.body_of(indexes),
                    deadline=Deadline.after(conf.current().http_timeout),
                    media_type=batch.media_type,
                )
                lane.worker_id = place.worker_id
                try:
                    lane.take(_decode_summary(raw), indexes)
                except msgspec.DecodeError as error:
                    raise strange(place, str(error)) from error
            except ClusterError as error:
                lane.faults += [fault_of(index, error) for index in indexes]


def _count(group: str, batch: BatchInput, lanes: Sequence[Lane], took_s: float) -> None:
    accepted = sum(lane.accepted for lane in lanes)
    SERIES.injected(group, ACCEPTED, accepted, took_s)
    if accepted < len(batch.types):
        SERIES.injected(group, FAILED, len(batch.types) - accepted, None)


def _call(family: str | None, options: BatchOptions) -> str:
    query = {"outputs": options.outputs}
    if options.ack != "processed":
        query["ack"] = options.ack
    if family is not None:
        query["family"] = family
    return f"events-batch?{urlencode(query)}"
