"""The same questions asked of the table itself: what the pipelines must find."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cluster.demo.flights.records import Flight

# Minutes and miles, as in examples/flights/*.vpl.
_LATE, _VERY_LATE, _LONG_AIR, _LOST, _FAR = 60, 180, 360, 45, 1500
_CASCADE_LATE, _TURNAROUND = 30, timedelta(hours=3)
_ROUGH, _ROUGH_FLIGHTS = 60, 10

OUTPUT_TYPES = (
    "LateDeparture",
    "VeryLateDeparture",
    "LongAirTime",
    "TimeLost",
    "CancelledFlight",
    "CancelledLongHaul",
    "DelayCascade",
    "HourlyDelay",
    "RoughHour",
)


def expected_counts(flights: Sequence[Flight]) -> Counter[str]:
    """Count how often each output type of examples/flights must come."""
    counts: Counter[str] = Counter(dict.fromkeys(OUTPUT_TYPES, 0))
    for flight in flights:
        counts.update(outputs_of(flight))
    counts["DelayCascade"] = _cascades(flights)
    hours = _hours(flights)
    counts["HourlyDelay"] = len(hours)
    counts["RoughHour"] = sum(
        len(delays) >= _ROUGH_FLIGHTS and sum(delays) >= _ROUGH * len(delays)
        for delays in hours.values()
    )
    return counts


def outputs_of(flight: Flight) -> list[str]:
    """Return the output types that one flight must give by itself."""
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


def _cascades(flights: Iterable[Flight]) -> int:
    """Count late landings after which the plane's next departure was late as well."""
    legs: defaultdict[str, list[Flight]] = defaultdict(list)
    for flight in flights:
        if flight.tail is not None and flight.left_at is not None:
            legs[flight.tail].append(flight)
    return sum(_cascades_of(each) for each in legs.values())


def _cascades_of(legs: list[Flight]) -> int:
    legs.sort(key=_left_at)
    return sum(_goes_on(flight, legs[index + 1 :]) for index, flight in enumerate(legs))


def _goes_on(landed: Flight, later: Sequence[Flight]) -> bool:
    at = landed.landed_at
    if at is None or landed.arr_delay is None or landed.arr_delay < _CASCADE_LATE:
        return False
    following = next((each for each in later if _left_at(each) >= at), None)
    return (
        following is not None
        and _left_at(following) - at <= _TURNAROUND
        and (following.dep_delay or 0) >= _CASCADE_LATE
    )


def _left_at(flight: Flight) -> datetime:
    assert flight.left_at is not None
    return flight.left_at


def _hours(flights: Iterable[Flight]) -> dict[tuple[str, datetime], list[int]]:
    """Return the delays of what left, by airport and planned hour."""
    hours: defaultdict[tuple[str, datetime], list[int]] = defaultdict(list)
    for flight in flights:
        hour = flight.scheduled_at.replace(minute=0)
        delays = hours[flight.origin, hour]
        if flight.dep_delay is not None:
            delays.append(flight.dep_delay)
    return hours
