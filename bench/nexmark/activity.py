"""Queries that count bids: the hottest auction (Q5), sessions of a bidder (Q11)."""

import datetime as dt
from collections import Counter, deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload
from bench.nexmark.generator import lines

SPAN, SLIDE = dt.timedelta(seconds=10), dt.timedelta(seconds=2)
GAP = dt.timedelta(seconds=2)
HOTTEST = """stream Q5 = Bid
    .window(10s, sliding: 2s)
    .partition_by(auction)
    .aggregate(bids: count())
    .order_by(bids desc)
    .limit(1)
    .emit(auction: auction, bids: bids)
"""
SESSIONS = """stream Q11 = Bid
    .partition_by(bidder)
    .window(session: 2s)
    .aggregate(bids: count())
    .emit(bidder: bidder, bids: bids)
"""


class AuctionBid(msgspec.Struct, gc=False):
    """What Q5 reads."""

    event_type: Any
    auction: Any = None
    timestamp: dt.datetime = BASE


class BiddersBid(msgspec.Struct, gc=False):
    """What Q11 reads."""

    event_type: Any
    bidder: Any = None
    timestamp: dt.datetime = BASE


def hottest_expected(events: Sequence[Event]) -> Outputs:
    """Count the bids of the last ten seconds, at the first and every two seconds."""
    bids = [event for event in events if event["event_type"] == "Bid"]
    found: Outputs = []
    passed = None
    for place, bid in enumerate(bids):
        at = bid["timestamp"]
        if passed is not None and at < passed + SLIDE:
            continue
        passed, first = at, place
        while first > 0 and bids[first - 1]["timestamp"] >= at - SPAN:
            first -= 1
        counted = Counter(each["auction"] for each in bids[first : place + 1])
        auction, count = counted.most_common(1)[0]
        found.append({"event_type": "Q5", "auction": auction, "bids": count})
    return found


def sessions_expected(events: Sequence[Event]) -> Outputs:
    """Split the bids of each bidder at gaps; order the sessions by their end."""
    by_bidder: dict[int, list[list[tuple[dt.datetime, int]]]] = {}
    last = BASE
    for place, event in enumerate(events):
        if event["event_type"] == "Bid":
            last = event["timestamp"]
            sessions = by_bidder.setdefault(event["bidder"], [])
            if not sessions or last > sessions[-1][-1][0] + GAP:
                sessions.append([])
            sessions[-1].append((last, place))
    over = [
        (session[-1][0], session[0][1], bidder, len(session))
        for bidder, sessions in by_bidder.items()
        for session in sessions
        if session[-1][0] + GAP < last
    ]
    return [
        {"event_type": "Q11", "bidder": bidder, "bids": count}
        for _, _, bidder, count in sorted(over)
    ]


def hottest_by_hand() -> Handle:
    """Return a queue of bids and a count per auction that follows it."""
    decode = msgspec.json.Decoder(AuctionBid).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    queue: deque[AuctionBid] = deque()
    due = BASE

    def handle(lines: bytes) -> bytes:
        nonlocal due
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type == "Bid":
                queue.append(event)
                if event.timestamp >= due:
                    due = event.timestamp + SLIDE
                    least = event.timestamp - SPAN
                    while queue[0].timestamp < least:
                        queue.popleft()
                    counted = Counter([bid.auction for bid in queue])
                    auction = max(counted, key=counted.__getitem__)
                    bids = counted[auction]
                    outputs.append({
                        "event_type": "Q5",
                        "auction": auction,
                        "bids": bids,
                    })
        return encode(outputs)

    return handle


def sessions_by_hand() -> Handle:
    """Return the last bid and the count of open sessions, and a heap of their ends.

    A session that goes on leaves its end in the heap; it is looked at again then.
    """
    decode = msgspec.json.Decoder(BiddersBid).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Any]] = {}  # last bid, opening, bids, bidder
    ends: list[tuple[dt.datetime, int, Any]] = []
    opened = 0

    def close(at: dt.datetime, outputs: Outputs) -> None:
        while ends and ends[0][0] < at:
            _, opening, bidder = heappop(ends)
            session = table[bidder]
            end = session[0] + GAP
            if end >= at:
                heappush(ends, (end, opening, bidder))
                continue
            if ends and (end, opening) > ends[0][:2]:
                heappush(ends, (end, opening, bidder))
                continue
            del table[bidder]
            outputs.append({"event_type": "Q11", "bidder": bidder, "bids": session[1]})

    def handle(lines: bytes) -> bytes:
        nonlocal opened
        outputs: Outputs = []
        for event in decode(lines):
            if event.event_type == "Bid":
                at = event.timestamp
                if ends and ends[0][0] < at:
                    close(at, outputs)
                session = table.get(event.bidder)
                if session is None:
                    table[event.bidder] = [at, 1]
                    opened += 1
                    heappush(ends, (at + GAP, opened, event.bidder))
                else:
                    session[0] = at
                    session[1] += 1
        return encode(outputs)

    return handle


Q5 = Workload(
    "Q5 hottest auction of ten seconds",
    HOTTEST,
    lines,
    hottest_expected,
    hottest_by_hand,
    target=None,
    row=AuctionBid,
)
Q11 = Workload(
    "Q11 sessions of bidders",
    SESSIONS,
    lines,
    sessions_expected,
    sessions_by_hand,
    target=None,
    row=BiddersBid,
)
