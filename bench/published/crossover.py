"""A fast and a slow exponential average of prices, joined: who lies above the other."""

from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language import chains
from bench.language.workload import Event, Handle, Outputs, Workload

FAST, SLOW, APART = 12, 26, 0.5
PROGRAM = """stream Fast = Tick
    .partition_by(symbol)
    .window(12)
    .aggregate(ema_fast: ema(price, 12))
stream Slow = Tick
    .partition_by(symbol)
    .window(26)
    .aggregate(ema_slow: ema(price, 26))
stream Crossover = join(Fast, Slow)
    .on(Fast.symbol == Slow.symbol)
    .window(2)
    .where(abs(Fast.ema_fast - Slow.ema_slow) > 0.5)
    .emit(symbol: Fast.symbol, fast: Fast.ema_fast, slow: Slow.ema_slow,
          signal: if Fast.ema_fast > Slow.ema_slow then "buy" else "sell")
"""


class Price(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    symbol: Any = None
    price: Any = None


def expected(events: Sequence[Event]) -> Outputs:
    """Compare the last full averages of a symbol whenever one of them is full."""
    prices: dict[str, list[float]] = {}
    latest: dict[str, dict[int, float]] = {}
    found: Outputs = []
    for event in events:
        symbol = event["symbol"]
        all_ = prices.setdefault(symbol, [])
        all_.append(event["price"])
        for size in (FAST, SLOW):
            if len(all_) % size == 0:
                averages = latest.setdefault(symbol, {})
                averages[size] = _average(all_[-size:])
                found += _crossing(symbol, averages.get(FAST), averages.get(SLOW))
    return found


def _average(values: Sequence[float]) -> float:
    factor = 2.0 / (len(values) + 1)
    average = values[0]
    for value in values[1:]:
        average = value * factor + average * (1.0 - factor)
    return average


def _crossing(symbol: str, fast: float | None, slow: float | None) -> Outputs:
    if fast is None or slow is None or abs(fast - slow) <= APART:
        return []
    return [
        {
            "event_type": "Crossover",
            "symbol": symbol,
            "fast": fast,
            "slow": slow,
            "signal": "buy" if fast > slow else "sell",
        }
    ]


def by_hand() -> Handle:
    """Return two counts, two open averages and two full ones per symbol."""
    decode = msgspec.json.Decoder(Price).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}
    find = table.get
    fast_factor, slow_factor = 2.0 / (FAST + 1), 2.0 / (SLOW + 1)

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type != "Tick":
                continue
            price = event.price
            state = find(event.symbol)
            if state is None:
                state = table[event.symbol] = [0, price, 0, price, None, None]
            else:
                state[1] = price * fast_factor + state[1] * (1.0 - fast_factor)
                state[3] = price * slow_factor + state[3] * (1.0 - slow_factor)
            if state[0] == 0:
                state[1] = price
            if state[2] == 0:
                state[3] = price
            state[0] += 1
            state[2] += 1
            if state[0] == FAST:
                state[0], state[4] = 0, state[1]
                outputs += _crossing(event.symbol, state[4], state[5])
            if state[2] == SLOW:
                state[2], state[5] = 0, state[3]
                outputs += _crossing(event.symbol, state[4], state[5])
        return encode(outputs)

    return handle


CROSSOVER = Workload(
    "EMA crossover, 100 symbols",
    PROGRAM,
    chains.lines,
    expected,
    by_hand,
    target=None,
    row=Price,
)
