"""Persons, auctions and bids of an online auction, from a seed.

The shape is that of NEXMark (Tucker, Tufte, Papadimos, Maier: "NEXMark - A Benchmark for
Queries over Data Streams", 2002) as later suites run it: of 50 events one is a person,
three are auctions, 46 are bids; some auctions and sellers are hot. The texts, the
distributions and this code are our own.
"""

import functools
import random

from bench.language.workload import stamp

STEP_MS = 10
EPOCH = 50
PERSONS, AUCTIONS = 1, 3  # of an epoch; the rest are bids
FIRST_ID = 1000
OPEN_AUCTIONS = 100  # that get bids; the hot one is among the latest
HOT_SHARE = 0.5
SELLERS = 200  # persons that still sell
CATEGORIES = (10, 11, 12, 13, 14)
STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")
CITIES = ("Phoenix", "Palo Alto", "Boise", "Portland", "Seattle", "Cheyenne")
CHANNELS = ("app", "web", "phone", "partner")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Fay", "Gus", "Hal", "Ida", "Jon")


@functools.cache
def lines(count: int, seed: int = 7) -> tuple[bytes, ...]:
    """Return so many events, one in 10 ms."""
    source = random.Random(seed)
    return tuple(_line(source, index).encode() for index in range(count))


def _line(source: random.Random, index: int) -> str:
    epoch, place = divmod(index, EPOCH)
    time = f'"timestamp":"{stamp(index * STEP_MS)}"}}'
    if place < PERSONS:
        return _person(source, FIRST_ID + epoch) + time
    if place < PERSONS + AUCTIONS:
        number = FIRST_ID + epoch * AUCTIONS + place - PERSONS
        return _auction(source, number, FIRST_ID + epoch) + time
    latest = FIRST_ID + (epoch + 1) * AUCTIONS - 1
    return _bid(source, latest, FIRST_ID + epoch) + time


def _person(source: random.Random, number: int) -> str:
    place = source.randrange(len(STATES))
    name = f"{source.choice(NAMES)} {source.choice(NAMES)}son"
    return (
        f'{{"event_type":"Person","id":{number},"name":"{name}",'
        f'"email":"p{number}@example.org","city":"{CITIES[place]}",'
        f'"state":"{STATES[place]}",'
    )


def _auction(source: random.Random, number: int, newest: int) -> str:
    is_hot = source.random() < HOT_SHARE
    oldest = max(FIRST_ID, newest - SELLERS)
    seller = newest if is_hot else source.randint(oldest, newest)
    initial = source.randint(100, 5000)
    return (
        f'{{"event_type":"Auction","id":{number},"item":"item {number % 977}",'
        f'"initial":{initial},"reserve":{initial * 2},"seller":{seller},'
        f'"category":{source.choice(CATEGORIES)},'
    )


def _bid(source: random.Random, latest: int, newest: int) -> str:
    is_hot = source.random() < HOT_SHARE
    oldest = max(FIRST_ID, latest - OPEN_AUCTIONS)
    auction = latest - latest % 10 if is_hot else source.randint(oldest, latest)
    bidder = source.randint(max(FIRST_ID, newest - SELLERS), newest)
    price = int(100 * 10 ** (source.random() * 4))
    return (
        f'{{"event_type":"Bid","auction":{max(auction, FIRST_ID)},"bidder":{bidder},'
        f'"price":{price},"channel":"{source.choice(CHANNELS)}",'
    )
