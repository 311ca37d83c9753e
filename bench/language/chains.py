"""Prices that rise until they fall, per symbol: a repeated step and the one after."""

import datetime as dt
import functools
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload, stamp

SYMBOLS = 100
STEP_MS = 10
WITHIN = dt.timedelta(seconds=60)
PROGRAM = """stream Peak = all Tick where price > rise.price as rise
    -> Tick where price < rise.price as fall
    .within(60s)
    .partition_by(symbol)
    .emit(symbol: rise.symbol, start: rise[0].price, top: rise.price, ticks: len(rise), fall: fall.price)
"""


class Tick(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    symbol: Any = None
    price: Any = None
    timestamp: dt.datetime = BASE


@functools.cache
def lines(count: int, seed: int = 3) -> tuple[bytes, ...]:
    """Return random walks in cents of some symbols, one event in 10 ms."""
    source = random.Random(seed)
    cents = [10_000] * SYMBOLS
    return tuple(_line(source, cents, index) for index in range(count))


def _line(source: random.Random, cents: list[int], index: int) -> bytes:
    symbol = source.randrange(SYMBOLS)
    cents[symbol] += source.randint(-20, 20)
    return (
        f'{{"event_type":"Tick","symbol":"SYM{symbol:03d}","price":{cents[symbol] / 100},'
        f'"volume":{index % 997},"timestamp":"{stamp(index * STEP_MS)}"}}'
    ).encode()


def expected(events: Sequence[Event]) -> Outputs:
    """Walk on from every single tick until the price falls or the time is over."""
    by_symbol: dict[str, list[tuple[int, Event]]] = {}
    for place, event in enumerate(events):
        by_symbol.setdefault(event["symbol"], []).append((place, event))
    found = [
        match
        for ticks in by_symbol.values()
        for at in range(len(ticks))
        for match in _match(ticks, at)
    ]
    return [output for _, _, output in sorted(found, key=lambda match: match[:2])]


def _match(
    ticks: list[tuple[int, Event]], at: int
) -> list[tuple[int, int, dict[str, Any]]]:
    start, first = ticks[at]
    top, taken = first, 1
    for end, tick in ticks[at + 1 :]:
        if tick["timestamp"] > first["timestamp"] + WITHIN:
            return []
        if tick["price"] < top["price"]:
            output = {
                "event_type": "Peak",
                "symbol": first["symbol"],
                "start": first["price"],
                "top": top["price"],
                "ticks": taken,
                "fall": tick["price"],
            }
            return [(end, start, output)]
        if tick["price"] > top["price"]:
            top, taken = tick, taken + 1
    return []


def by_hand() -> Handle:
    """Return lists of the ticks that each open chain of a symbol took."""
    decode = msgspec.json.Decoder(Tick).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[list[Tick]]] = {}

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type != "Tick":
                continue
            chains = table.get(event.symbol)
            if chains is None:
                table[event.symbol] = [[event]]
                continue
            price, least = event.price, event.timestamp - WITHIN
            left = []
            for chain in chains:
                if chain[0].timestamp < least:
                    continue
                top = chain[-1].price
                if price < top:
                    outputs.append({
                        "event_type": "Peak",
                        "symbol": chain[-1].symbol,
                        "start": chain[0].price,
                        "top": top,
                        "ticks": len(chain),
                        "fall": price,
                    })
                    continue
                if price > top:
                    chain.append(event)
                left.append(chain)
            left.append([event])
            table[event.symbol] = left
        return encode(outputs)

    return handle


RISING = Workload(
    "Kleene rising chain per symbol, 100 symbols",
    PROGRAM,
    lines,
    expected,
    by_hand,
    target=5e5,
    row=Tick,
)
