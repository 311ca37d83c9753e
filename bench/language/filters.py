"""One filter, and ten streams that each filter the same type."""

from collections.abc import Sequence
from typing import Any

import msgspec

from bench import workload as readings
from bench.language.workload import Event, Handle, Outputs, Workload

LIMITS = tuple(range(130, 140))
TEN = "".join(
    f"""stream Above{limit} = TemperatureReading
    .where(temperature > {limit})
    .emit(sensor_id: sensor_id, temperature: temperature)
"""
    for limit in LIMITS
)


class Reading(msgspec.Struct, gc=False):
    """The fields that the programs read."""

    event_type: Any
    sensor_id: Any = None
    temperature: Any = None
    timestamp: Any = None


def one_expected(events: Sequence[Event]) -> Outputs:
    """Compare every event with the limit."""
    return [
        {
            "event_type": "HotReading",
            "alert_type": "HIGH_TEMP",
            "sensor_id": event["sensor_id"],
            "temperature": event["temperature"],
        }
        for event in events
        if event["temperature"] > readings.LIMIT
    ]


def ten_expected(events: Sequence[Event]) -> Outputs:
    """Compare every event with every limit."""
    return [
        {
            "event_type": f"Above{limit}",
            "sensor_id": event["sensor_id"],
            "temperature": event["temperature"],
        }
        for event in events
        for limit in LIMITS
        if event["temperature"] > limit
    ]


def one_by_hand() -> Handle:
    """Return one comparison in a loop."""
    decode = msgspec.json.Decoder(Reading).decode_lines
    encode = msgspec.json.Encoder().encode_lines

    def handle(lines: bytes) -> bytes:
        outputs = []
        for event in decode(lines):
            if event.event_type == "TemperatureReading":
                value = event.temperature
                if value.__class__ is float and value > readings.LIMIT:
                    outputs.append({
                        "event_type": "HotReading",
                        "alert_type": "HIGH_TEMP",
                        "sensor_id": event.sensor_id,
                        "temperature": value,
                    })
        return encode(outputs)

    return handle


def ten_by_hand() -> Handle:
    """Return ten comparisons written out, as nobody loops over constants in Python."""
    tests = "".join(
        f"""
            if value > {limit}:
                push({{"event_type": "Above{limit}", "sensor_id": event.sensor_id,
                      "temperature": value}})"""
        for limit in LIMITS
    )
    text = f"""
def ten(events, push):
    for event in events:
        if event.event_type == "TemperatureReading":
            value = event.temperature
            if value.__class__ is not float: continue{tests}
"""
    found: dict[str, Any] = {}
    exec(text, found)  # a text of this module: no input gets into it
    decode = msgspec.json.Decoder(Reading).decode_lines
    encode = msgspec.json.Encoder().encode_lines

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        found["ten"](decode(lines), outputs.append)
        return encode(outputs)

    return handle


ONE = Workload(
    "filter + emit",
    readings.PROGRAM,
    readings.lines,
    one_expected,
    one_by_hand,
    target=4e6,
    is_single=True,
    row=Reading,
)
TEN_OF_ONE_TYPE = Workload(
    "ten filters on one type",
    TEN,
    readings.lines,
    ten_expected,
    ten_by_hand,
    target=1.8e6,
    row=Reading,
)
