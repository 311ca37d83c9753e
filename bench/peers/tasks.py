"""What the peers compute: the workloads as plain functions over one key.

Runs in the peers' environment: the standard library and msgspec only. Each peer moves,
keys and keeps state by its own means, and calls these functions for the rest.
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

Outputs = list[dict[str, Any]]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(seconds=60)
FIVE_MINUTES = dt.timedelta(minutes=5)
HALF_MINUTE = dt.timedelta(seconds=30)


def _nothing(state: Any) -> Outputs:
    return []


@dataclass(frozen=True)
class Task:
    """One workload.

    Attributes:
        row: the fields that are read.
        key: the key of an event; None for a task without state.
        start: makes the state of a new key; for a task without state, anything.
        step: takes state and event, changes the state, returns outputs.
        finish: returns what a key still gives when no more events come.
    """

    row: type[msgspec.Struct]
    key: Callable[[Any], str] | None
    start: Callable[[], Any]
    step: Callable[[Any, Any], Outputs]
    finish: Callable[[Any], Outputs] = _nothing


class Reading(msgspec.Struct, gc=False):
    """A temperature of a sensor."""

    event_type: Any
    sensor_id: Any = None
    temperature: Any = None
    timestamp: dt.datetime = EPOCH


class Tick(msgspec.Struct, gc=False):
    """A price of a symbol."""

    event_type: Any
    symbol: Any = None
    price: Any = None
    volume: Any = None
    timestamp: dt.datetime = EPOCH


class Action(msgspec.Struct, gc=False):
    """A login or a transfer of a user."""

    event_type: Any
    user_id: Any = None
    ip: Any = None
    amount: Any = None
    timestamp: dt.datetime = EPOCH


class Deal(msgspec.Struct, gc=False):
    """An order or its payment."""

    event_type: Any
    order_id: Any = None
    total: Any = None
    amount: Any = None
    timestamp: dt.datetime = EPOCH


class Measure(msgspec.Struct, gc=False):
    """A temperature or a pressure at a place."""

    event_type: Any
    location: Any = None
    value: Any = None
    timestamp: dt.datetime = EPOCH


def hot(state: object, event: Reading) -> Outputs:
    """Keep what is above 100 degrees."""
    if event.temperature <= 100.0:
        return []
    return [
        {
            "event_type": "HotReading",
            "alert_type": "HIGH_TEMP",
            "sensor_id": event.sensor_id,
            "temperature": event.temperature,
        }
    ]


def minute_of(at: dt.datetime) -> dt.datetime:
    """Return the start of the minute."""
    return at.replace(second=0, microsecond=0)


def minute_output(sensor_id: str, count: int, total: float) -> dict[str, Any]:
    """Return what a minute of a sensor gives."""
    return {
        "event_type": "Minutes",
        "sensor_id": sensor_id,
        "average": total / count,
        "readings": count,
    }


def minute(state: list[Any], event: Reading) -> Outputs:
    """Add to the minute of a sensor; give the minute before when the next begins."""
    start = minute_of(event.timestamp)
    over = finish_minute(state) if state[0] is not None and start > state[0] else []
    if over or state[0] is None:
        state[:] = [start, event.sensor_id, 0, 0.0]
    state[2] += 1
    state[3] += event.temperature
    return over


def finish_minute(state: list[Any]) -> Outputs:
    """Give the minute that is open."""
    return [minute_output(*state[1:])]


def vwap(state: list[Any], event: Tick) -> Outputs:
    """Weigh the prices of a hundred ticks by their volumes."""
    state[0] += 1
    state[1] += event.price * event.volume
    state[2] += event.volume
    if state[0] < 100:
        return []
    output = {
        "event_type": "Vwap",
        "symbol": event.symbol,
        "vwap": state[1] / state[2],
        "trades": state[0],
    }
    state[:] = [0, 0.0, 0.0]
    return [output]


def paid(state: list[Any], event: Deal) -> Outputs:
    """Pair an order with its payment: the latest of the other kind within a minute."""
    mine = 0 if event.event_type == "Order" else 1
    state[mine] = event
    other = state[1 - mine]
    if other is None or other.timestamp < event.timestamp - MINUTE:
        return []
    order, payment = state
    return [
        {
            "event_type": "Paid",
            "order_id": event.order_id,
            "total": order.total,
            "paid": payment.amount,
        }
    ]


def rising(state: list[list[Tick]], event: Tick) -> Outputs:
    """Let every open chain take a higher price, end at a lower one, or go on."""
    outputs: Outputs = []
    kept = []
    least = event.timestamp - MINUTE
    for chain in state:
        if chain[0].timestamp < least:
            continue
        top = chain[-1].price
        if event.price < top:
            outputs.append({
                "event_type": "Peak",
                "symbol": event.symbol,
                "start": chain[0].price,
                "top": top,
                "ticks": len(chain),
                "fall": event.price,
            })
            continue
        if event.price > top:
            chain.append(event)
        kept.append(chain)
    kept.append([event])
    state[:] = kept
    return outputs


def suspicious(state: list[Action], event: Action) -> Outputs:
    """Find a large transfer within five minutes of a login."""
    if event.event_type == "Login":
        state.append(event)
        return []
    if event.amount <= 1000:
        return []
    least = event.timestamp - FIVE_MINUTES
    outputs = [
        {
            "event_type": "Suspicious",
            "user_id": login.user_id,
            "ip": login.ip,
            "amount": event.amount,
        }
        for login in state
        if login.timestamp >= least
    ]
    state.clear()
    return outputs


def crossover(state: dict[str, Any], event: Tick) -> Outputs:
    """Average 12 and 26 ticks exponentially; compare whenever one of them is full."""
    outputs: Outputs = []
    for name, size in (("fast", 12), ("slow", 26)):
        count, average = state.get(name + "_open", (0, None))
        factor = 2.0 / (size + 1)
        price = event.price
        average = price if average is None else price * factor + average * (1 - factor)
        if count + 1 < size:
            state[name + "_open"] = (count + 1, average)
            continue
        state[name + "_open"] = (0, None)
        state[name] = average
        outputs += _crossing(state, event)
    return outputs


def _crossing(state: dict[str, Any], event: Tick) -> Outputs:
    fast, slow = state.get("fast"), state.get("slow")
    if fast is None or slow is None or abs(fast - slow) <= 0.5:
        return []
    return [
        {
            "event_type": "Crossover",
            "symbol": event.symbol,
            "fast": fast,
            "slow": slow,
            "signal": "buy" if fast > slow else "sell",
        }
    ]


def anomaly(state: dict[str, Any], event: Measure) -> Outputs:
    """Watch the spread of a hundred values of each kind; join what is too wide."""
    kind = event.event_type
    values = state.setdefault(kind, [])
    values.append(event.value)
    if len(values) < 100:
        return []
    state[kind] = []
    spread = deviation(values)
    if spread <= (5.0 if kind == "TemperatureReading" else 10.0):
        return []
    state[kind + "_wide"] = (event.timestamp, sum(values) / len(values), spread)
    return _both(state, event)


def deviation(values: list[float]) -> float:
    """Return the deviation of a sample."""
    middle = sum(values) / len(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1))


def _both(state: dict[str, Any], event: Measure) -> Outputs:
    heat = state.get("TemperatureReading_wide")
    pressure = state.get("PressureReading_wide")
    least = event.timestamp - HALF_MINUTE
    if heat is None or pressure is None or min(heat[0], pressure[0]) < least:
        return []
    score = (heat[2] / 10.0) * (pressure[2] / 20.0)
    if score <= 0.5:
        return []
    return [
        {
            "event_type": "Anomaly",
            "location": event.location,
            "heat": heat[1],
            "pressure": pressure[1],
            "score": score,
        }
    ]


TASKS = {
    "filter": Task(Reading, None, list, hot),
    "minutes": Task(
        Reading,
        lambda event: event.sensor_id,
        lambda: [None, None, 0, 0.0],
        minute,
        finish_minute,
    ),
    "vwap": Task(Tick, lambda event: event.symbol, lambda: [0, 0.0, 0.0], vwap),
    "join": Task(Deal, lambda event: event.order_id, lambda: [None, None], paid),
    "chains": Task(Tick, lambda event: event.symbol, list, rising),
    "crossover": Task(Tick, lambda event: event.symbol, dict, crossover),
    "sensors": Task(Measure, lambda event: event.location, dict, anomaly),
    "sequence": Task(Action, lambda event: event.user_id, list, suspicious),
}
