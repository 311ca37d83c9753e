"""A batch cut into lanes, one per target pipeline; each event type is routed once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec

from cluster.event_routing import RouteMatch
from cluster.exceptions import ClusterError
from cluster.hot.batch_body import BatchInput, ItemFault

EVENTS_PER_CALL = 5000

Match = Callable[[str], RouteMatch]
"""Returns where an event type goes; raises ClusterError if nowhere."""


class WorkerFault(msgspec.Struct):
    """One item that a worker refused; `index` counts within its call."""

    index: int
    code: str = "bad_request"
    error: str = ""


class WorkerSummary(msgspec.Struct):
    """What a worker answers to a batch. Its outputs are not decoded: they go on."""

    accepted: int
    output_events: msgspec.Raw = msgspec.Raw(b"[]")
    output_count: int = 0
    duplicates: int = 0
    errors: list[WorkerFault] = []
    runtime_errors: list[dict[str, Any]] = []
    complete: bool = True


@dataclass(slots=True)
class Lane:
    """What goes to one pipeline, in order, and what came of it.

    `types` are those of the whole batch; `families` has, for those of the lane, the
    prefix of the route they came by. `outputs` are JSON arrays as workers wrote them.
    """

    pipeline: str
    types: Sequence[str | None]
    indexes: Sequence[int] = ()
    families: dict[str | None, str | None] = field(default_factory=dict)
    worker_id: str | None = None
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    output_count: int = 0
    outputs: list[bytes] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)
    runtime_errors: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True

    def calls(self) -> Iterator[tuple[str | None, Sequence[int]]]:
        """Yield the family and the items of each call to the worker, in order."""
        for family, indexes in self._runs():
            for start in range(0, len(indexes), EVENTS_PER_CALL):
                yield family, indexes[start : start + EVENTS_PER_CALL]

    def take(self, summary: WorkerSummary, indexes: Sequence[int]) -> None:
        """Count the answer to one call; raises msgspec.DecodeError for odd outputs."""
        outputs = bytes(summary.output_events).strip()
        if not outputs.startswith(b"["):
            raise msgspec.DecodeError("output_events is no array")
        self.output_count += summary.output_count or len(items_of(outputs))
        self.outputs.append(outputs)
        self.accepted += summary.accepted
        self.duplicates += summary.duplicates
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

    def _runs(self) -> Iterator[tuple[str | None, Sequence[int]]]:
        """Yield stretches of items that came by routes of the same family."""
        families = self.families
        if len(set(families.values())) == 1:
            yield next(iter(families.values())), self.indexes
            return
        runs = groupby(self.indexes, key=lambda index: families[self.types[index]])
        for family, run in runs:
            yield family, list(run)


items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode


def cut(batch: BatchInput, match: Match, *, aborts: bool) -> list[Lane]:
    """Return the lanes, in the order in which their pipelines come up first.

    Items of types that no route takes become faults of the batch. With `aborts`,
    nothing behind the first fault is in a lane.
    """
    matches, refused = _matches_of(batch.types, match)
    faults = _refusals(batch, refused) if refused else []
    if not aborts:
        batch.faults += faults
        return _filled(batch.types, matches)
    end = min((fault.index for fault in batch.faults), default=len(batch.types))
    if faults and faults[0].index < end:
        batch.faults.append(faults[0])
        end = faults[0].index
    return _filled(batch.types[:end], matches)


def _filled(types: Sequence[str | None], matches: dict[str, RouteMatch]) -> list[Lane]:
    """Put each item into the lane of its type; what has none is left out."""
    lanes: dict[str, Lane] = {}
    for event_type, match in matches.items():
        name = match.to_pipeline
        lane = lanes.setdefault(name, Lane(name, types))
        lane.families[event_type] = match.family
    if len(lanes) == 1 and matches.keys() >= set(types):
        for lane in lanes.values():
            lane.indexes = range(len(types))
        return list(lanes.values())
    indexes: dict[str, list[int]] = {name: [] for name in lanes}
    append_of: dict[str | None, Callable[[int], None]]
    append_of = {key: indexes[m.to_pipeline].append for key, m in matches.items()}
    for index, name_of_type in enumerate(types):
        if name_of_type in append_of:
            append_of[name_of_type](index)
    for name, lane in lanes.items():
        lane.indexes = indexes[name]
    return [lane for lane in lanes.values() if lane.indexes]


def _matches_of(
    types: Sequence[str | None], match: Match
) -> tuple[dict[str, RouteMatch], dict[str | None, ClusterError]]:
    matches: dict[str, RouteMatch] = {}
    refused: dict[str | None, ClusterError] = {}
    for event_type in dict.fromkeys(types):
        if event_type is None:
            continue
        try:
            matches[event_type] = match(event_type)
        except ClusterError as error:
            refused[event_type] = error
    return matches, refused


def _refusals(
    batch: BatchInput, refused: dict[str | None, ClusterError]
) -> list[ItemFault]:
    return [
        fault_of(index, refused[event_type])
        for index, event_type in enumerate(batch.types)
        if event_type in refused
    ]


def fault_of(index: int, error: ClusterError) -> ItemFault:
    """Return the fault of an item that met this error."""
    return ItemFault(index, error.error_code, error.message, error.error_status)
