"""The average price per symbol and hundred trades, weighed by volume."""

from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language import chains
from bench.language.workload import Event, Handle, Outputs, Workload

TRADES = 100
PROGRAM = """stream Vwap = Tick
    .partition_by(symbol)
    .window(100)
    .aggregate(vwap: sum(price * volume) / sum(volume), trades: count())
    .emit(symbol: symbol, vwap: vwap, trades: trades)
"""


class Trade(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    symbol: Any = None
    price: Any = None
    volume: Any = None


def expected(events: Sequence[Event]) -> Outputs:
    """Cut the trades of each symbol into hundreds; order by the last of each."""
    by_symbol: dict[str, list[tuple[int, Event]]] = {}
    for place, event in enumerate(events):
        by_symbol.setdefault(event["symbol"], []).append((place, event))
    found = []
    for symbol, trades in by_symbol.items():
        for at in range(0, len(trades) - TRADES + 1, TRADES):
            hundred = trades[at : at + TRADES]
            value = sum(e["price"] * e["volume"] for _, e in hundred)
            volume = sum(e["volume"] for _, e in hundred)
            found.append((hundred[-1][0], _output(symbol, value / volume)))
    return [output for _, output in sorted(found, key=lambda each: each[0])]


def _output(symbol: str, vwap: float) -> dict[str, Any]:
    return {"event_type": "Vwap", "symbol": symbol, "vwap": vwap, "trades": TRADES}


def by_hand() -> Handle:
    """Return three sums per symbol."""
    decode = msgspec.json.Decoder(Trade).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}
    find = table.get

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type == "Tick":
                sums = find(event.symbol)
                if sums is None:
                    table[event.symbol] = sums = [0, 0.0, 0.0]
                sums[0] += 1
                sums[1] += event.price * event.volume
                sums[2] += event.volume
                if sums[0] == TRADES:
                    outputs.append(_output(event.symbol, sums[1] / sums[2]))
                    sums[:] = 0, 0.0, 0.0
        return encode(outputs)

    return handle


VWAP = Workload(
    "VWAP in windows of 100 trades, 100 symbols",
    PROGRAM,
    chains.lines,
    expected,
    by_hand,
    target=None,
    row=Trade,
)
