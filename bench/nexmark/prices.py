"""Queries about what is paid: average by category (Q4), highest of ten seconds (Q7)."""

import datetime as dt
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload
from bench.nexmark.generator import lines

OPEN, PERIOD = dt.timedelta(seconds=20), dt.timedelta(seconds=10)
AVERAGES = """stream Priced = join(Bid, Auction)
    .on(Bid.auction == Auction.id)
    .window(20s)
    .select(auction: Auction.id, category: Auction.category, price: Bid.price)
stream Winning = Priced
    .partition_by(auction)
    .window(20s)
    .aggregate(category: first(category), price: max(price))
stream Q4 = Winning
    .partition_by(category)
    .aggregate(average: avg(price))
    .emit(category: category, average: average)
"""
HIGHEST = """stream Q7 = Bid
    .window(10s, align: true)
    .order_by(price desc)
    .limit(1)
    .emit(auction, bidder, price)
"""


class Offer(msgspec.Struct, gc=False):
    """What Q4 reads of auctions and bids."""

    event_type: Any
    id: Any = None
    category: Any = None
    auction: Any = None
    price: Any = None
    timestamp: dt.datetime = BASE


class TimedBid(msgspec.Struct, gc=False):
    """What Q7 reads."""

    event_type: Any
    auction: Any = None
    bidder: Any = None
    price: Any = None
    timestamp: dt.datetime = BASE


def averages_expected(events: Sequence[Event]) -> Outputs:
    """Find the best bid of each auction's 20 s; average them as the auctions end.

    An auction ends 20 s after its first bid, when a later bid on any auction comes.
    """
    auctions = {e["id"]: e for e in events if e["event_type"] == "Auction"}
    offers: dict[int, list[Event]] = {}
    last = BASE
    for event in events:
        opened = auctions.get(event.get("auction", -1))
        if opened and event["timestamp"] <= opened["timestamp"] + OPEN:
            offers.setdefault(event["auction"], []).append(event)
            last = event["timestamp"]
    prices: dict[int, list[float]] = {}
    found: Outputs = []
    for number, bids in sorted(offers.items(), key=lambda o: o[1][0]["timestamp"]):
        if bids[0]["timestamp"] + OPEN <= last:
            category = auctions[number]["category"]
            best = prices.setdefault(category, [])
            best.append(max(bid["price"] for bid in bids))
            found.append({
                "event_type": "Q4",
                "category": category,
                "average": sum(best) / len(best),
            })
    return found


def highest_expected(events: Sequence[Event]) -> Outputs:
    """Take the first of the highest bids of every ten seconds; the last are open."""
    periods: dict[int, list[Event]] = {}
    for event in events:
        if event["event_type"] == "Bid":
            period = int((event["timestamp"] - BASE) / PERIOD)
            periods.setdefault(period, []).append(event)
    return [
        _highest(max(periods[period], key=lambda bid: int(bid["price"])))
        for period in sorted(periods)[:-1]
    ]


def _highest(bid: Event) -> dict[str, Any]:
    names = ("auction", "bidder", "price")
    return {"event_type": "Q7"} | {name: bid[name] for name in names}


_Ending = deque[tuple[dt.datetime, list[Any]]]


def _ended(ending: _Ending, totals: dict[Any, list[Any]], at: dt.datetime) -> Outputs:
    """Average what is paid for the auctions that are over."""
    outputs: Outputs = []
    while ending and ending[0][0] <= at:
        _, category, best = ending.popleft()[1]
        total = totals.setdefault(category, [0, 0.0])
        total[0] += 1
        total[1] += best
        average = total[1] / total[0]
        outputs.append({"event_type": "Q4", "category": category, "average": average})
    return outputs


def averages_by_hand() -> Handle:
    """Return the category, first bid and best price of open auctions, and a queue."""
    decode = msgspec.json.Decoder(Offer).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}  # opened, category, best price
    ending: _Ending = deque()
    totals: dict[Any, list[Any]] = {}

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            kind = event.event_type
            if kind == "Auction":
                table[event.id] = [event.timestamp, event.category, None]
            elif kind == "Bid":
                state = table.get(event.auction)
                if state is None:
                    continue
                at = event.timestamp
                if at > state[0] + OPEN:
                    del table[event.auction]
                    continue
                if ending and at >= ending[0][0]:
                    outputs += _ended(ending, totals, at)
                if state[2] is None:
                    ending.append((at + OPEN, state))
                    state[2] = event.price
                elif event.price > state[2]:
                    state[2] = event.price
        return encode(outputs)

    return handle


def highest_by_hand() -> Handle:
    """Return the best bid so far, and when its period ends."""
    decode = msgspec.json.Decoder(TimedBid).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    best: TimedBid | None = None
    end = BASE + PERIOD

    def handle(lines: bytes) -> bytes:
        nonlocal best, end
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type != "Bid":
                continue
            if event.timestamp >= end:
                if best is not None:
                    outputs.append({
                        "event_type": "Q7",
                        "auction": best.auction,
                        "bidder": best.bidder,
                        "price": best.price,
                    })
                end += PERIOD * ((event.timestamp - end) // PERIOD + 1)
                best = None
            if best is None or event.price > best.price:
                best = event
        return encode(outputs)

    return handle


Q4 = Workload(
    "Q4 average winning price by category",
    AVERAGES,
    lines,
    averages_expected,
    averages_by_hand,
    target=None,
    row=Offer,
)
Q7 = Workload(
    "Q7 highest bid of ten seconds",
    HIGHEST,
    lines,
    highest_expected,
    highest_by_hand,
    target=None,
    row=TimedBid,
)
