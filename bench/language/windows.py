"""Average and count per key in windows of a minute, 1000 keys."""

import datetime as dt
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from bench import workload as readings
from bench.language.filters import Reading
from bench.language.workload import Event, Handle, Outputs, Workload

MINUTE = dt.timedelta(seconds=60)
PROGRAM = """stream Averages = TemperatureReading
    .partition_by(sensor_id)
    .window(60s)
    .aggregate(average: avg(temperature), readings: count())
    .emit(sensor_id: sensor_id, average: average, readings: readings)
"""


def expected(events: Sequence[Event]) -> Outputs:
    """Cut the events of each key into windows, then sort all windows by their end."""
    by_key: dict[str, list[tuple[dt.datetime, int, list[float]]]] = {}
    for place, event in enumerate(events):
        windows = by_key.setdefault(event["sensor_id"], [])
        at = event["timestamp"]
        if not windows or at >= windows[-1][0] + MINUTE:
            windows.append((at, place, []))
        windows[-1][2].append(event["temperature"])
    over = [
        (start, place, key, values)
        for key, windows in by_key.items()
        for start, place, values in windows
        if events[-1]["timestamp"] >= start + MINUTE
    ]
    return [
        {
            "event_type": "Averages",
            "sensor_id": key,
            "average": sum(values) / len(values),
            "readings": len(values),
        }
        for _, _, key, values in sorted(over)
    ]


def by_hand() -> Handle:
    """Return a dict of open windows, and a queue of them in the order they end."""
    decode = msgspec.json.Decoder(TimedReading).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}
    find = table.get
    order: deque[list[Any]] = deque()

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type == "TemperatureReading":
                at = event.timestamp
                while order and at >= order[0][0]:
                    _, key, count, total = order.popleft()
                    del table[key]
                    outputs.append({
                        "event_type": "Averages",
                        "sensor_id": key,
                        "average": total / count,
                        "readings": count,
                    })
                key = event.sensor_id
                window = find(key)
                if window is None:
                    table[key] = window = [at + MINUTE, key, 0, 0.0]
                    order.append(window)
                window[2] += 1
                value = event.temperature
                if value.__class__ is float:
                    window[3] += value
        return encode(outputs)

    return handle


class TimedReading(Reading, gc=False):
    """A reading with its time."""

    timestamp: dt.datetime = readings.BASE


KEYED = Workload(
    "keyed 60 s window, avg + count, 1000 keys",
    PROGRAM,
    readings.lines,
    expected,
    by_hand,
    target=2.5e6,
    is_single=True,
    least=62_000,
    row=TimedReading,
)
