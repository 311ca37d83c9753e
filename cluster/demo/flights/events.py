"""A flight as events: what happened to it, each with its own type and fields.

A record of the table is one of three stories. It left the gate: `FlightDeparted`.
It also reached its destination: `FlightLanded` as well. It never left:
`FlightCancelled`. So every pipeline has its own event types, and the coordinator
finds the pipeline by type (first matching route); nobody sees an event twice.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from cluster.demo.flights.records import Flight

_encoder = msgspec.json.Encoder()


def flight_events(flight: Flight) -> Iterator[dict[str, Any]]:
    """Yield the events of one flight, in the form the API takes."""
    if not flight.departed:
        yield _event("FlightCancelled", flight, distance=flight.distance)
        return
    yield _event("FlightDeparted", flight, dep_delay=flight.dep_delay)
    if flight.arr_delay is not None and flight.air_time is not None:
        yield _event(
            "FlightLanded",
            flight,
            dep_delay=flight.dep_delay,
            arr_delay=flight.arr_delay,
            air_time=flight.air_time,
            distance=flight.distance,
        )


def event_batches(
    flights: Iterable[Flight], flights_per_batch: int
) -> Iterator[tuple[int, bytes]]:
    """Yield (number of flights, NDJSON lines of their events), batch by batch."""
    count, lines = 0, bytearray()
    for flight in flights:
        for event in flight_events(flight):
            lines += _encoder.encode(event) + b"\n"
        count += 1
        if count == flights_per_batch:
            yield count, bytes(lines)
            count, lines = 0, bytearray()
    if count:
        yield count, bytes(lines)


def _event(event_type: str, flight: Flight, **more: int | None) -> dict[str, Any]:
    return {
        "event_type": event_type,
        "timestamp": flight.scheduled_at,
        "fields": {
            "carrier": flight.carrier,
            "flight": flight.flight,
            "origin": flight.origin,
            "dest": flight.dest,
            **more,
        },
    }
