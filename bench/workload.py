"""The input and the program of the filter benchmarks, and what must come out."""

import datetime as dt
import functools
import random
from typing import Any

import msgspec

LIMIT = 100.0
HOT_SHARE = 0.1
SENSORS = 1000
BASE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

PROGRAM = """stream HotReading = TemperatureReading
    .where(temperature > 100.0)
    .emit(alert_type: "HIGH_TEMP", sensor_id: sensor_id, temperature: temperature)
"""


@functools.cache
def lines(count: int, seed: int = 1) -> tuple[bytes, ...]:
    """Return flat events of about 130 bytes, one in ten above the limit."""
    source = random.Random(seed)
    return tuple(_line(source, i) for i in range(count))


def expected_outputs(events: tuple[bytes, ...]) -> list[dict[str, Any]]:
    """Return what the program must give for these lines, in order."""
    return [
        {
            "event_type": "HotReading",
            "alert_type": "HIGH_TEMP",
            "sensor_id": event["sensor_id"],
            "temperature": event["temperature"],
        }
        for event in map(msgspec.json.decode, events)
        if event["temperature"] > LIMIT
    ]


def batches(events: tuple[bytes, ...], size: int) -> list[bytes]:
    """Return the lines as NDJSON payloads of `size` events."""
    return [
        b"\n".join(events[at : at + size]) + b"\n" for at in range(0, len(events), size)
    ]


def _line(source: random.Random, index: int) -> bytes:
    hot = source.random() < HOT_SHARE
    low, high = (100.01, 140.0) if hot else (10.0, 99.9)
    at = (BASE + dt.timedelta(milliseconds=index)).isoformat(timespec="milliseconds")
    return (
        '{"event_type":"TemperatureReading",'
        f'"sensor_id":"sensor-{source.randrange(SENSORS):04d}",'
        f'"temperature":{round(source.uniform(low, high), 2)},'
        f'"seq":{index},"timestamp":"{at.removesuffix("+00:00")}Z"}}'
    ).encode()
