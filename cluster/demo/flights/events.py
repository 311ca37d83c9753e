"""A flight as events: what happened to it, each with its own type and fields.

A record of the table is one of three stories. It left the gate: `FlightDeparted`.
It also reached its destination: `FlightLanded` as well. It never left:
`FlightCancelled`. The plane tells the same story: `PlaneLeft`, `PlaneLanded`. And the
gate reports every planned departure once its delay is known, or that it is cancelled:
`GateReport`. So every pipeline has its own event types, and the coordinator finds the
pipeline by type (first matching route); nobody sees an event twice.

Events are told in the order in which they happened. The timestamp of what a plane does
is the moment itself; that of all else the planned departure.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cluster.demo.flights.records import Flight

_encoder = msgspec.json.Encoder()
# Nobody has left earlier than 43 minutes before the plan.
_EARLIEST = timedelta(hours=1)
# Longer than the watermark of examples/flights/hourly_delays.vpl waits.
_AFTERWARDS = timedelta(days=2)


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """An event and when it became known; at the same minute planes land first."""

    at: datetime
    is_departure: bool
    event: dict[str, Any] = field(compare=False)


def flight_events(flight: Flight) -> Iterator[Happening]:
    """Yield the events of one flight, in the form the API takes."""
    if not flight.departed or flight.left_at is None:
        at = flight.scheduled_at
        yield Happening(at, True, _told(flight, "FlightCancelled", distance=True))
        yield Happening(at, True, _gate_report(flight))
        return
    yield from _leaving(flight, flight.left_at)
    if flight.landed_at is not None and flight.air_time is not None:
        yield from _landing(flight, flight.landed_at)


def event_batches(
    flights: Iterable[Flight], flights_per_batch: int
) -> Iterator[tuple[int, bytes]]:
    """Yield (number of flights, NDJSON lines of events), batch by batch.

    The flights must come in the order of their plans. The last batch has no flight of
    its own: it is what was still on the way, and a report of nothing at all, days
    later, by which whoever waits for late reports knows that none is to come.
    """
    timeline = _Timeline()
    for chunk in _chunks(flights, flights_per_batch):
        lines = (e for flight in chunk for e in timeline.known_with(flight))
        yield len(chunk), _ndjson(lines)
    yield 0, _ndjson(timeline.rest())


class _Timeline:
    """Brings events into order, holding no more than a day of them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Happening, int]] = []
        self._numbers = itertools.count()
        self._planned: datetime | None = None

    def known_with(self, flight: Flight) -> Iterator[dict[str, Any]]:
        """Take the next flight; yield what happened before any later one can."""
        self._planned = flight.scheduled_at
        for happening in flight_events(flight):
            heapq.heappush(self._waiting, (happening, next(self._numbers)))
        certain = flight.scheduled_at - _EARLIEST
        while self._waiting[0][0].at < certain:
            yield heapq.heappop(self._waiting)[0].event

    def rest(self) -> Iterator[dict[str, Any]]:
        """Yield what is left, and the end."""
        while self._waiting:
            yield heapq.heappop(self._waiting)[0].event
        if self._planned is not None:
            yield _event("GateReport", self._planned + _AFTERWARDS, {})


def _leaving(flight: Flight, at: datetime) -> Iterator[Happening]:
    yield Happening(at, True, _told(flight, "FlightDeparted", dep_delay=True))
    yield Happening(at, True, _gate_report(flight))
    yield Happening(
        at, True, _plane_event("PlaneLeft", at, flight, dep_delay=flight.dep_delay)
    )


def _landing(flight: Flight, at: datetime) -> Iterator[Happening]:
    told = _told(
        flight,
        "FlightLanded",
        dep_delay=True,
        arr_delay=True,
        air_time=True,
        distance=True,
    )
    yield Happening(at, False, told)
    yield Happening(
        at, False, _plane_event("PlaneLanded", at, flight, arr_delay=flight.arr_delay)
    )


def _told(flight: Flight, event_type: str, **shown: bool) -> dict[str, Any]:
    fields = {
        "carrier": flight.carrier,
        "flight": flight.flight,
        "origin": flight.origin,
        "dest": flight.dest,
        **{name: getattr(flight, name) for name in shown},
    }
    return _event(event_type, flight.scheduled_at, fields)


def _gate_report(flight: Flight) -> dict[str, Any]:
    delay = {} if flight.dep_delay is None else {"dep_delay": flight.dep_delay}
    fields = {"origin": flight.origin, **delay}
    return _event("GateReport", flight.scheduled_at, fields)


def _plane_event(
    event_type: str, at: datetime, flight: Flight, **delay: int | None
) -> dict[str, Any]:
    fields = {
        "tail": flight.tail,
        "carrier": flight.carrier,
        "flight": flight.flight,
        "origin": flight.origin,
        "dest": flight.dest,
        **delay,
    }
    return _event(event_type, at, fields)


def _event(event_type: str, at: datetime, fields: dict[str, Any]) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"event_type": event_type, "timestamp": stamp, "fields": fields}


def _ndjson(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(_encoder.encode(event) + b"\n" for event in events)


def _chunks(flights: Iterable[Flight], size: int) -> Iterator[list[Flight]]:
    rest = iter(flights)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk
