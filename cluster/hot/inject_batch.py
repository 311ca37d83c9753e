"""POST pipeline-groups/{id}/inject-batch: many events, one call per target (5.8)."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from cluster import conf
from cluster.access import Role
from cluster.event_routing import RouteMatch
from cluster.exceptions import BadRequestError, ClusterError
from cluster.hot import answer
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.batch_body import (
    JSON_TYPE,
    NDJSON_TYPES,
    BatchInput,
    ItemFault,
    read_batch,
)
from cluster.hot.caller import require, role_of_caller
from cluster.hot.delivery import Delivery
from cluster.hot.inject import ACKS
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.hot.targets import find_group, match_target
from cluster.hot.worker_answer import strange
from cluster.hot.worker_session import Deadline
from cluster.routing_snapshot import RoutedGroup

LARGEST_BODY = 16 * 1024 * 1024  # bytes
EVENTS_PER_CALL = 5000
OUTPUTS = ("all", "count", "none")
DEFAULT_OUTPUTS_LIMIT = 1000
LARGEST_OUTPUTS_LIMIT = 1_000_000
LISTED_ERRORS = 100


class WorkerFault(msgspec.Struct):
    """One item that a worker refused; `index` counts within its call."""

    index: int
    code: str = "bad_request"
    error: str = ""


class WorkerSummary(msgspec.Struct):
    """What a worker answers to a batch."""

    accepted: int
    output_events: list[msgspec.Raw] = []
    output_count: int = 0
    duplicates: int = 0
    errors: list[WorkerFault] = []
    runtime_errors: list[dict[str, Any]] = []
    complete: bool = True


_decode_summary = msgspec.json.Decoder(WorkerSummary).decode


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How the caller wants the batch taken and answered."""

    ack: str
    outputs: str
    outputs_limit: int
    aborts: bool


@dataclass(slots=True)
class Lane:
    """What goes to one pipeline, in order, and what came of it.

    `runs` are stretches of items that came by routes of the same family.
    """

    pipeline: str
    runs: list[tuple[str | None, list[int]]] = field(default_factory=list)
    worker_id: str | None = None
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    output_count: int = 0
    outputs: list[msgspec.Raw] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    runtime_errors: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True

    def add(self, family: str | None, index: int) -> None:
        """Append an item; a new family starts a new run."""
        if not self.runs or self.runs[-1][0] != family:
            self.runs.append((family, []))
        self.runs[-1][1].append(index)

    def calls(self) -> Iterator[tuple[str | None, list[int]]]:
        """Yield the items of each call to the worker."""
        for family, indexes in self.runs:
            for start in range(0, len(indexes), EVENTS_PER_CALL):
                yield family, indexes[start : start + EVENTS_PER_CALL]

    def take(self, summary: WorkerSummary, indexes: Sequence[int]) -> None:
        """Count the answer to one call."""
        self.accepted += summary.accepted
        self.duplicates += summary.duplicates
        self.output_count += summary.output_count or len(summary.output_events)
        self.outputs += summary.output_events
        self.runtime_errors += summary.runtime_errors
        self.complete = self.complete and summary.complete
        self.faults += [
            ItemFault(indexes[fault.index], fault.code, fault.error)
            for fault in summary.errors
            if 0 <= fault.index < len(indexes)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `targets`."""
        return {
            "routed_to": self.pipeline,
            "worker_id": self.worker_id,
            "sent": self.sent,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "outputs": self.output_count,
        }


class InjectBatchEndpoint:
    """Cuts a batch into lanes, one per target pipeline, and sends them side by side."""

    def __init__(self, table: RoutingTable, delivery: Delivery) -> None:
        """Keep who knows the routes and who calls the workers."""
        self._table = table
        self._delivery = delivery

    async def answer(self, request: HotRequest, selector: str) -> Answer:
        """Take one batch."""
        role = await role_of_caller(request)
        snapshot = await self._table.current()
        group = find_group(snapshot, selector)
        if request.method != "POST":
            raise MethodNotAllowedError("POST", request.method)
        require(role, Role.OPERATOR)
        media_type = request.media_type(JSON_TYPE, *sorted(NDJSON_TYPES))
        raw = await request.body(LARGEST_BODY)
        options = _read_options(request)
        started = time.perf_counter()
        batch = read_batch(raw, media_type)
        lanes = self._cut(group, batch, options)
        await asyncio.gather(
            *(self._send(group, batch, lane, options) for lane in lanes)
        )
        took_us = int((time.perf_counter() - started) * 1_000_000)
        return _summary(batch, lanes, options, took_us)

    def _cut(
        self, group: RoutedGroup, batch: BatchInput, options: BatchOptions
    ) -> list[Lane]:
        """Return the lanes; each distinct event type is routed once."""
        lanes: dict[str, Lane] = {}
        matches: dict[str | None, RouteMatch | ClusterError | None] = {None: None}
        end = min((fault.index for fault in batch.faults), default=len(batch.types))
        for index, event_type in enumerate(batch.types):
            if options.aborts and index >= end:
                break
            if event_type not in matches:
                matches[event_type] = self._match(group, event_type or "")
            match = matches[event_type]
            if isinstance(match, RouteMatch):
                lane = lanes.get(match.to_pipeline)
                if lane is None:
                    lane = lanes[match.to_pipeline] = Lane(match.to_pipeline)
                lane.add(match.family, index)
            elif match is not None:
                end = min(end, index)
                batch.faults.append(_fault_of(index, match))
        return list(lanes.values())

    def _match(self, group: RoutedGroup, event_type: str) -> RouteMatch | ClusterError:
        try:
            return match_target(self._table, group, event_type)
        except ClusterError as error:
            return error

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
                lane.faults += [_fault_of(index, error) for index in indexes]


def _read_options(request: HotRequest) -> BatchOptions:
    return BatchOptions(
        ack=request.choice("ack", "processed", ACKS),
        outputs=request.choice("outputs", "all", OUTPUTS),
        outputs_limit=request.whole_number(
            "outputs_limit", DEFAULT_OUTPUTS_LIMIT, LARGEST_OUTPUTS_LIMIT
        ),
        aborts=request.choice("on_error", "continue", ("continue", "abort")) == "abort",
    )


def _call(family: str | None, options: BatchOptions) -> str:
    query = {"outputs": options.outputs}
    if options.ack != "processed":
        query["ack"] = options.ack
    if family is not None:
        query["family"] = family
    return f"events-batch?{urlencode(query)}"


def _fault_of(index: int, error: ClusterError) -> ItemFault:
    return ItemFault(index, error.error_code, error.message, error.error_status)


def _summary(
    batch: BatchInput, lanes: Sequence[Lane], options: BatchOptions, took_us: int
) -> Answer:
    """Return the answer of api.md 5.8; nothing accepted is the first error instead."""
    faults = sorted(
        [*batch.faults, *(fault for lane in lanes for fault in lane.faults)],
        key=lambda fault: fault.index,
    )
    accepted = sum(lane.accepted for lane in lanes)
    if not batch.types:
        raise BadRequestError("the batch holds no event")
    if not accepted and faults:
        raise _nothing_accepted(faults)
    body: dict[str, Any] = {
        "events_sent": accepted,
        "events_failed": len(batch.types) - accepted,
        **_outputs(lanes, options),
        "errors": _listed(faults),
        "targets": [lane.to_json() for lane in lanes],
        "processing_time_us": took_us,
    }
    runtime_errors = [error for lane in lanes for error in lane.runtime_errors]
    if runtime_errors:
        body["runtime_errors"] = runtime_errors[:LISTED_ERRORS]
    if not all(lane.complete for lane in lanes):
        body["complete"] = False
    if len(faults) > LISTED_ERRORS:
        body["errors_truncated"] = True
    reply = answer.ok(body)
    reply.status = 200 if options.ack == "processed" else 202
    return reply


def _outputs(lanes: Sequence[Lane], options: BatchOptions) -> dict[str, Any]:
    if options.outputs == "none":
        return {}
    count = sum(lane.output_count for lane in lanes)
    if options.outputs == "count":
        return {"output_count": count}
    events = [event for lane in lanes for event in lane.outputs]
    return {
        "output_events": events[: options.outputs_limit],
        "output_count": count,
        "outputs_truncated": count > options.outputs_limit,
    }


def _listed(faults: Sequence[ItemFault]) -> list[dict[str, Any]]:
    return [
        {"index": fault.index, "code": fault.code, "error": fault.error}
        for fault in faults[:LISTED_ERRORS]
    ]


def _nothing_accepted(faults: Sequence[ItemFault]) -> ClusterError:
    first = faults[0]
    return ClusterError(
        f"no event was accepted; event {first.index}: {first.error}",
        code=first.code,
        status=first.status,
        details={"errors": _listed(faults)},
    )
