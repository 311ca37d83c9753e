"""Temperature and pressure of a place that vary too much at one time."""

import datetime as dt
import functools
import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload, stamp

LOCATIONS = 20
STEP_MS = 10
VALUES = 100
LIMITS = {"TemperatureReading": 5.0, "PressureReading": 10.0}
MIDDLES = {"TemperatureReading": 60.0, "PressureReading": 900.0}
APART = dt.timedelta(seconds=30)
PROGRAM = """stream Heat = TemperatureReading
    .partition_by(location)
    .window(100)
    .aggregate(mean: avg(value), spread: stddev(value))
    .having(spread > 5.0)
stream Pressure = PressureReading
    .partition_by(location)
    .window(100)
    .aggregate(mean: avg(value), spread: stddev(value))
    .having(spread > 10.0)
stream Anomaly = join(Heat, Pressure)
    .on(Heat.location == Pressure.location)
    .window(30s)
    .where((Heat.spread / 10.0) * (Pressure.spread / 20.0) > 0.5)
    .emit(location: Heat.location, heat: Heat.mean, pressure: Pressure.mean,
          score: (Heat.spread / 10.0) * (Pressure.spread / 20.0))
"""


class Measure(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    location: Any = None
    value: Any = None
    timestamp: dt.datetime = BASE


@functools.cache
def lines(count: int, seed: int = 5) -> tuple[bytes, ...]:
    """Return measures of some places, each with a spread of its own."""
    source = random.Random(seed)
    return tuple(_line(source, index) for index in range(count))


def _line(source: random.Random, index: int) -> bytes:
    kind = source.choice(tuple(LIMITS))
    place = source.randrange(LOCATIONS)
    spread = LIMITS[kind] * (0.5 + 1.8 * place / LOCATIONS)
    value = round(source.gauss(MIDDLES[kind], spread), 3)
    return (
        f'{{"event_type":"{kind}","sensor_id":"{kind[:1]}{place}-{index % 3}",'
        f'"location":"hall-{place:02d}","value":{value},'
        f'"timestamp":"{stamp(index * STEP_MS)}"}}'
    ).encode()


def expected(events: Sequence[Event]) -> Outputs:
    """Judge every hundred values of a place and kind; then look for the other kind."""
    values: dict[tuple[str, str], list[float]] = {}
    wide: dict[tuple[str, str], tuple[dt.datetime, float, float]] = {}
    found: Outputs = []
    for event in events:
        place, kind = event["location"], event["event_type"]
        hundred = values.setdefault((place, kind), [])
        hundred.append(event["value"])
        if len(hundred) < VALUES:
            continue
        del values[place, kind]
        spread = _deviation(hundred)
        if spread > LIMITS[kind]:
            middle = sum(hundred) / VALUES
            wide[place, kind] = (event["timestamp"], middle, spread)
            both = [wide.get((place, each)) for each in LIMITS]
            found += _anomaly(place, event["timestamp"] - APART, *both)
    return found


def _anomaly(
    place: str,
    least: dt.datetime,
    heat: tuple[dt.datetime, float, float] | None,
    pressure: tuple[dt.datetime, float, float] | None,
) -> Outputs:
    if heat is None or pressure is None or min(heat[0], pressure[0]) < least:
        return []
    score = (heat[2] / 10.0) * (pressure[2] / 20.0)
    if score <= 0.5:
        return []
    return [
        {
            "event_type": "Anomaly",
            "location": place,
            "heat": heat[1],
            "pressure": pressure[1],
            "score": score,
        }
    ]


def _deviation(values: Sequence[float]) -> float:
    middle = sum(values) / len(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1))


def by_hand() -> Handle:
    """Return a list of values per place and kind, and the wide ones of each."""
    decode = msgspec.json.Decoder(Measure).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, dict[Any, list[float]]] = {kind: {} for kind in LIMITS}
    wide: dict[Any, dict[Any, Any]] = {kind: {} for kind in LIMITS}

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            kind = event.event_type
            lists = table.get(kind)
            if lists is None:
                continue
            place = event.location
            values = lists.get(place)
            if values is None:
                lists[place] = [event.value]
                continue
            values.append(event.value)
            if len(values) == VALUES:
                del lists[place]
                spread = _deviation(values)
                if spread > LIMITS[kind]:
                    middle = sum(values) / VALUES
                    wide[kind][place] = (event.timestamp, middle, spread)
                    both = [wide[each].get(place) for each in LIMITS]
                    outputs += _anomaly(place, event.timestamp - APART, *both)
        return encode(outputs)

    return handle


SENSORS = Workload(
    "multi-sensor: spreads of two kinds, joined by place",
    PROGRAM,
    lines,
    expected,
    by_hand,
    target=None,
    row=Measure,
)
