"""A login, then a large transfer of the same user within five minutes."""

import datetime as dt
import functools
import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from bench.language.workload import BASE, Event, Handle, Outputs, Workload, stamp

USERS = 20_000
LOGIN_SHARE, LARGE_SHARE = 0.3, 0.2
LARGE = 1000
WITHIN = dt.timedelta(minutes=5)
STEP_MS = 10
PROGRAM = """stream Suspicious = Login as login
    -> Transfer where user_id == login.user_id and amount > 1000 as transfer
    .within(5m)
    .emit(user_id: login.user_id, ip: login.ip, amount: transfer.amount)
"""


class Action(msgspec.Struct, gc=False):
    """The fields that the program reads."""

    event_type: Any
    user_id: Any = None
    ip: Any = None
    amount: Any = None
    timestamp: dt.datetime = BASE


@functools.cache
def lines(count: int, seed: int = 2) -> tuple[bytes, ...]:
    """Return logins and transfers of random users, one in 10 ms."""
    source = random.Random(seed)
    return tuple(_line(source, index) for index in range(count))


def _line(source: random.Random, index: int) -> bytes:
    user = source.randrange(USERS)
    if source.random() < LOGIN_SHARE:
        return login(user, index * STEP_MS)
    low, high = (1000.01, 9000) if source.random() < LARGE_SHARE else (1, 1000)
    return transfer(user, round(source.uniform(low, high), 2), index * STEP_MS)


def login(user: int, milliseconds: int) -> bytes:
    """Return a login event."""
    return (
        f'{{"event_type":"Login","user_id":"user-{user:06d}",'
        f'"ip":"10.0.{user % 256}.{milliseconds % 251}",'
        f'"timestamp":"{stamp(milliseconds)}"}}'
    ).encode()


def transfer(user: int, amount: float, milliseconds: int) -> bytes:
    """Return a transfer event."""
    return (
        f'{{"event_type":"Transfer","user_id":"user-{user:06d}","amount":{amount},'
        f'"timestamp":"{stamp(milliseconds)}"}}'
    ).encode()


def expected(events: Sequence[Event]) -> Outputs:
    """Find the first large transfer after each login of a user."""
    by_user: dict[str, list[tuple[int, Event]]] = {}
    for place, event in enumerate(events):
        by_user.setdefault(event["user_id"], []).append((place, event))
    found = [
        (end, start, first, last)
        for history in by_user.values()
        for at, (start, first) in enumerate(history)
        if first["event_type"] == "Login"
        for end, last in _first_large(history[at + 1 :])
        if last["timestamp"] <= first["timestamp"] + WITHIN
    ]
    found.sort(key=lambda match: match[:2])
    return [
        {
            "event_type": "Suspicious",
            "user_id": first["user_id"],
            "ip": first["ip"],
            "amount": last["amount"],
        }
        for _, _, first, last in found
    ]


def _first_large(later: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
    return [p for p in later if p[1].get("amount", 0) > LARGE][:1]


def by_hand() -> Handle:
    """Return a dict of logins by user, and a queue of them by time for expiry."""
    decode = msgspec.json.Decoder(Action).decode_lines
    encode = msgspec.json.Encoder().encode_lines
    table: dict[Any, list[Action]] = {}
    find, take = table.get, table.pop
    order: deque[Action] = deque()

    def handle(lines: bytes) -> bytes:
        outputs: Outputs = []
        for event in decode(lines):
            kind = event.event_type
            if kind == "Login":
                logins = find(event.user_id)
                if logins is None:
                    table[event.user_id] = [event]
                else:
                    logins.append(event)
                order.append(event)
            elif kind == "Transfer":
                amount = event.amount
                if amount.__class__ is float and amount > LARGE:
                    logins = take(event.user_id, None)
                    if logins is not None:
                        outputs += _matches(logins, event)
        _expire(order, table, event.timestamp - WITHIN)
        return encode(outputs)

    return handle


def _matches(logins: list[Action], event: Action) -> Outputs:
    least = event.timestamp - WITHIN
    return [
        {
            "event_type": "Suspicious",
            "user_id": first.user_id,
            "ip": first.ip,
            "amount": event.amount,
        }
        for first in logins
        if first.timestamp >= least
    ]


def _expire(order: deque[Action], table: dict[Any, list[Action]], least: Any) -> None:
    """Forget the logins before `least`; those of matches are gone already."""
    while order and order[0].timestamp < least:
        old = order.popleft()
        logins = table.get(old.user_id)
        if logins is not None and logins[0] is old:
            del logins[0]
            if not logins:
                del table[old.user_id]


TWO_STEPS = Workload(
    "keyed two-step sequence within 5 m, 20 000 keys",
    PROGRAM,
    lines,
    expected,
    by_hand,
    target=1.5e6,
    is_single=True,
    row=Action,
)
