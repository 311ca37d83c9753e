"""Average and count per sensor and minute of the clock: what every peer can say."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from bench import workload as readings
from bench.language.windows import TimedReading
from bench.language.workload import Event, Handle, Outputs, Workload

MINUTE = dt.timedelta(seconds=60)
PROGRAM = """stream Minutes = TemperatureReading
    .partition_by(sensor_id)
    .window(60s, align: true)
    .aggregate(average: avg(temperature), readings: count())
    .emit(sensor_id: sensor_id, average: average, readings: readings)
"""


def expected(events: Sequence[Event]) -> Outputs:
    """Collect the values of each minute and sensor; the last minute is still open."""
    minutes: dict[tuple[dt.datetime, str], list[float]] = {}
    for event in events:
        minute = event["timestamp"].replace(second=0, microsecond=0)
        values = minutes.setdefault((minute, event["sensor_id"]), [])
        values.append(event["temperature"])
    last = max(minute for minute, _ in minutes)
    return [
        _output(sensor, len(values), sum(values))
        for (minute, sensor), values in minutes.items()
        if minute < last
    ]


def _output(sensor: str, count: int, total: float) -> dict[str, Any]:
    return {
        "event_type": "Minutes",
        "sensor_id": sensor,
        "average": total / count,
        "readings": count,
    }


def by_hand() -> Handle:
    """Return one dict of totals, emptied at the end of each minute."""
    decode = msgspec.json.Decoder(TimedReading).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}
    find = table.get
    end = dt.datetime.min.replace(tzinfo=dt.UTC)

    def handle(lines: bytes) -> bytes:
        nonlocal end
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type == "TemperatureReading":
                at = event.timestamp
                if at >= end:
                    outputs += [_output(key, *t) for key, t in table.items()]
                    table.clear()
                    end = at.replace(second=0, microsecond=0) + MINUTE
                total = find(event.sensor_id)
                if total is None:
                    table[event.sensor_id] = total = [0, 0.0]
                total[0] += 1
                value = event.temperature
                if value.__class__ is float:
                    total[1] += value
        return encode(outputs)

    return handle


MINUTES = Workload(
    "windows: average per sensor and minute, 1000 sensors",
    PROGRAM,
    readings.lines,
    expected,
    by_hand,
    target=None,
    least=62_000,
    row=TimedReading,
)
