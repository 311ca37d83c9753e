"""Queries that look at one bid: all (Q0), in another currency (Q1), of some auctions (Q2)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import Event, Handle, Outputs, Workload
from bench.nexmark.generator import lines

RATE, SOME = 0.908, 123
ALL = """stream Q0 = Bid
    .emit(auction, bidder, price, channel)
"""
CONVERTED = """stream Q1 = Bid
    .emit(auction, bidder, price: price * 0.908)
"""
SELECTED = """stream Q2 = Bid
    .where(auction % 123 == 0)
    .emit(auction, price)
"""


class FullBid(msgspec.Struct, gc=False):
    """What Q0 reads."""

    event_type: Any
    auction: Any = None
    bidder: Any = None
    price: Any = None
    channel: Any = None


class PlainBid(msgspec.Struct, gc=False):
    """What Q1 reads."""

    event_type: Any
    auction: Any = None
    bidder: Any = None
    price: Any = None


class PricedAuction(msgspec.Struct, gc=False):
    """What Q2 reads."""

    event_type: Any
    auction: Any = None
    price: Any = None


def _bids(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event["event_type"] == "Bid"]


def all_expected(events: Sequence[Event]) -> Outputs:
    """Take four fields of every bid."""
    names = ("auction", "bidder", "price", "channel")
    return [{"event_type": "Q0"} | {n: bid[n] for n in names} for bid in _bids(events)]


def converted_expected(events: Sequence[Event]) -> Outputs:
    """Convert the price of every bid."""
    return [
        {
            "event_type": "Q1",
            "auction": bid["auction"],
            "bidder": bid["bidder"],
            "price": bid["price"] * RATE,
        }
        for bid in _bids(events)
    ]


def selected_expected(events: Sequence[Event]) -> Outputs:
    """Take the bids of every 123rd auction."""
    return [
        {"event_type": "Q2", "auction": bid["auction"], "price": bid["price"]}
        for bid in _bids(events)
        if bid["auction"] % SOME == 0
    ]


def all_by_hand() -> Handle:
    """Return a loop that makes a dict per bid."""
    decode = msgspec.json.Decoder(FullBid).decode_lines
    encode = msgspec.json.Encoder().encode_lines

    def handle(lines: bytes) -> bytes:
        return encode([
            {
                "event_type": "Q0",
                "auction": bid.auction,
                "bidder": bid.bidder,
                "price": bid.price,
                "channel": bid.channel,
            }
            for bid in decode(lines)
            if bid.event_type == "Bid"
        ])

    return handle


def converted_by_hand() -> Handle:
    """Return a loop that multiplies."""
    decode = msgspec.json.Decoder(PlainBid).decode_lines
    encode = msgspec.json.Encoder().encode_lines

    def handle(lines: bytes) -> bytes:
        return encode([
            {
                "event_type": "Q1",
                "auction": bid.auction,
                "bidder": bid.bidder,
                "price": bid.price * RATE,
            }
            for bid in decode(lines)
            if bid.event_type == "Bid"
        ])

    return handle


def selected_by_hand() -> Handle:
    """Return a loop with one remainder."""
    decode = msgspec.json.Decoder(PricedAuction).decode_lines
    encode = msgspec.json.Encoder().encode_lines

    def handle(lines: bytes) -> bytes:
        return encode([
            {"event_type": "Q2", "auction": bid.auction, "price": bid.price}
            for bid in decode(lines)
            if bid.event_type == "Bid" and bid.auction % SOME == 0
        ])

    return handle


Q0 = Workload(
    "Q0 all bids", ALL, lines, all_expected, all_by_hand, target=None, row=FullBid
)
Q1 = Workload(
    "Q1 bids in another currency",
    CONVERTED,
    lines,
    converted_expected,
    converted_by_hand,
    target=None,
    row=PlainBid,
)
Q2 = Workload(
    "Q2 bids of some auctions",
    SELECTED,
    lines,
    selected_expected,
    selected_by_hand,
    target=None,
    row=PricedAuction,
)
