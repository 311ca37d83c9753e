"""Queries that join auctions with those who sell: in some states (Q3), newcomers (Q8)."""

import datetime as dt
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload
from bench.nexmark.generator import lines

STATES, CATEGORY = frozenset({"OR", "ID", "CA"}), 10
HOUR, PERIOD = dt.timedelta(hours=1), dt.timedelta(seconds=10)
LOCAL = """stream Sellers = Person
    .where(state == "OR" or state == "ID" or state == "CA")
stream Items = Auction
    .where(category == 10)
stream Q3 = join(Items, Sellers)
    .on(Items.seller == Sellers.id)
    .window(1h)
    .emit(name: Sellers.name, city: Sellers.city, state: Sellers.state,
          auction: Items.id)
"""
NEWCOMERS = """stream Q8 = join(Person, Auction)
    .on(Person.id == Auction.seller)
    .window(10s)
    .emit(id: Person.id, name: Person.name, auction: Auction.id)
"""


class Someone(msgspec.Struct, gc=False):
    """What both queries read of persons and auctions."""

    event_type: Any
    id: Any = None
    name: Any = None
    city: Any = None
    state: Any = None
    seller: Any = None
    category: Any = None
    timestamp: dt.datetime = BASE


def local_expected(events: Sequence[Event]) -> Outputs:
    """Look for the seller among all persons that came before; sellers exist first."""
    sellers: dict[int, Event] = {}
    found: Outputs = []
    for event in events:
        if event["event_type"] == "Person" and event["state"] in STATES:
            sellers[event["id"]] = event
        if event["event_type"] == "Auction" and event["category"] == CATEGORY:
            seller = sellers.get(event["seller"])
            if seller and seller["timestamp"] >= event["timestamp"] - HOUR:
                found.append({
                    "event_type": "Q3",
                    "name": seller["name"],
                    "city": seller["city"],
                    "state": seller["state"],
                    "auction": event["id"],
                })
    return found


def newcomers_expected(events: Sequence[Event]) -> Outputs:
    """Look back ten seconds from every auction for its seller's arrival."""
    arrived = {e["id"]: e for e in events if e["event_type"] == "Person"}
    found: Outputs = []
    for event in events:
        if event["event_type"] == "Auction":
            seller = arrived[event["seller"]]
            if seller["timestamp"] >= event["timestamp"] - PERIOD:
                found.append({
                    "event_type": "Q8",
                    "id": seller["id"],
                    "name": seller["name"],
                    "auction": event["id"],
                })
    return found


def local_by_hand() -> Handle:
    """Return a dict of sellers; nobody is forgotten, as an hour is long here."""
    decode = msgspec.json.Decoder(Someone).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    sellers: dict[Any, Someone] = {}

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            kind = event.event_type
            if kind == "Person":
                if event.state in STATES:
                    sellers[event.id] = event
            elif kind == "Auction" and event.category == CATEGORY:
                seller = sellers.get(event.seller)
                if seller and seller.timestamp >= event.timestamp - HOUR:
                    outputs.append({
                        "event_type": "Q3",
                        "name": seller.name,
                        "city": seller.city,
                        "state": seller.state,
                        "auction": event.id,
                    })
        return encode(outputs)

    return handle


def newcomers_by_hand() -> Handle:
    """Return a dict of newcomers and a queue to forget them."""
    decode = msgspec.json.Decoder(Someone).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    people: dict[Any, Someone] = {}
    order: deque[Someone] = deque()

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            kind = event.event_type
            if kind == "Person":
                people[event.id] = event
                order.append(event)
            elif kind == "Auction":
                seller = people.get(event.seller)
                least = event.timestamp - PERIOD
                if seller and seller.timestamp >= least:
                    outputs.append({
                        "event_type": "Q8",
                        "id": seller.id,
                        "name": seller.name,
                        "auction": event.id,
                    })
                while order and order[0].timestamp < least:
                    del people[order.popleft().id]
        return encode(outputs)

    return handle


Q3 = Workload(
    "Q3 auctions of sellers in three states",
    LOCAL,
    lines,
    local_expected,
    local_by_hand,
    target=None,
    row=Someone,
)
Q8 = Workload(
    "Q8 newcomers that sell",
    NEWCOMERS,
    lines,
    newcomers_expected,
    newcomers_by_hand,
    target=None,
    row=Someone,
)
