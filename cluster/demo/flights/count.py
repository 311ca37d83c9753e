"""The same questions asked of the table itself: what the pipelines must find."""

from collections import Counter
from collections.abc import Iterable

from cluster.demo.flights.records import Flight

# Minutes and miles, as in examples/flights/*.vpl.
_LATE, _VERY_LATE, _LONG_AIR, _LOST, _FAR = 60, 180, 360, 45, 1500

OUTPUT_TYPES = (
    "LateDeparture",
    "VeryLateDeparture",
    "LongAirTime",
    "TimeLost",
    "CancelledFlight",
    "CancelledLongHaul",
)


def expected_counts(flights: Iterable[Flight]) -> Counter[str]:
    """Count, per output type of examples/flights, the flights that belong to it."""
    counts: Counter[str] = Counter(dict.fromkeys(OUTPUT_TYPES, 0))
    for flight in flights:
        counts.update(outputs_of(flight))
    return counts


def outputs_of(flight: Flight) -> list[str]:
    """Return the output types that one flight must give."""
    if not flight.departed:
        far = flight.distance >= _FAR
        return ["CancelledFlight", *(["CancelledLongHaul"] if far else [])]
    found = []
    if flight.dep_delay is not None and flight.dep_delay >= _LATE:
        late = flight.dep_delay < _VERY_LATE
        found.append("LateDeparture" if late else "VeryLateDeparture")
    if flight.air_time is None or flight.arr_delay is None:
        return found
    if flight.air_time >= _LONG_AIR:
        found.append("LongAirTime")
    if flight.dep_delay is not None and flight.arr_delay - flight.dep_delay >= _LOST:
        found.append("TimeLost")
    return found
