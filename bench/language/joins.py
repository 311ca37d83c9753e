"""Orders and their payments, joined by order within a minute."""

import datetime as dt
import functools
import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload, stamp

KEPT = dt.timedelta(seconds=60)
STEP_MS = 5
LAG = 1000  # orders between an order and its payment, at most
PROGRAM = """stream Paid = join(Order, Payment)
    .on(Order.order_id == Payment.order_id)
    .window(60s)
    .emit(order_id: Order.order_id, total: Order.total, paid: Payment.amount)
"""


class Deal(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    order_id: Any = None
    total: Any = None
    amount: Any = None
    timestamp: dt.datetime = BASE


@functools.cache
def lines(count: int, seed: int = 4) -> tuple[bytes, ...]:
    """Return orders and payments in turn; some payments come twice, some never."""
    source = random.Random(seed)
    return tuple(_line(source, index) for index in range(count))


def _line(source: random.Random, index: int) -> bytes:
    number, time = index // 2, stamp(index * STEP_MS)
    if index % 2 == 0:
        kind, name = "Order", "total"
    else:
        kind, name = "Payment", "amount"
        number = max(number - source.randrange(LAG), 0)
    return (
        f'{{"event_type":"{kind}","order_id":"order-{number:07d}",'
        f'"{name}":{round(source.uniform(1, 500), 2)},"timestamp":"{time}"}}'
    ).encode()


def expected(events: Sequence[Event]) -> Outputs:
    """Look back from every event for the latest of the other kind, if young enough."""
    by_order: dict[str, list[Event]] = {}
    found: Outputs = []
    for event in events:
        before = by_order.setdefault(event["order_id"], [])
        others = [e for e in before if e["event_type"] != event["event_type"]]
        before.append(event)
        if others and others[-1]["timestamp"] >= event["timestamp"] - KEPT:
            both = others[-1] | event
            found.append({
                "event_type": "Paid",
                "order_id": event["order_id"],
                "total": both["total"],
                "paid": both["amount"],
            })
    return found


def by_hand() -> Handle:
    """Return a dict of the latest event per side and key, and queues for expiry."""
    decode = msgspec.json.Decoder(Deal).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    orders: dict[Any, Deal] = {}
    payments: dict[Any, Deal] = {}
    old_orders: deque[Deal] = deque()
    old_payments: deque[Deal] = deque()

    def expire(queue: deque[Deal], table: dict[Any, Deal], least: Any) -> None:
        while queue and queue[0].timestamp < least:
            old = queue.popleft()
            if table.get(old.order_id) is old:
                del table[old.order_id]

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        event: Any = None
        for event in decode(lines):
            kind, key = event.event_type, event.order_id
            if kind == "Order":
                orders[key] = event
                old_orders.append(event)
                other = payments.get(key)
            elif kind == "Payment":
                payments[key] = event
                old_payments.append(event)
                other = orders.get(key)
            else:
                continue
            if other is not None and other.timestamp >= event.timestamp - KEPT:
                is_order = kind == "Order"
                outputs.append({
                    "event_type": "Paid",
                    "order_id": key,
                    "total": event.total if is_order else other.total,
                    "paid": other.amount if is_order else event.amount,
                })
        least = event.timestamp - KEPT
        expire(old_orders, orders, least)
        expire(old_payments, payments, least)
        return encode(outputs)

    return handle


PAID = Workload(
    "join of two streams by key",
    PROGRAM,
    lines,
    expected,
    by_hand,
    target=5e5,
    row=Deal,
)
