"""Events that open or use a given number of keys."""

from collections.abc import Iterable

from bench.language.sequences import login, transfer
from bench.language.workload import stamp

LARGE_AMOUNT = 2000.0


def readings(
    keys: Iterable[int], milliseconds: int = 0, value: float = 21.5
) -> tuple[bytes, ...]:
    """Return one reading per key, all at one time."""
    time = stamp(milliseconds)
    return tuple(
        (
            f'{{"event_type":"TemperatureReading","sensor_id":"sensor-{key:06d}",'
            f'"temperature":{value},"seq":{key},"timestamp":"{time}"}}'
        ).encode()
        for key in keys
    )


def logins(users: Iterable[int], milliseconds: int = 0) -> tuple[bytes, ...]:
    """Return one login per user, all at one time."""
    return tuple(login(user, milliseconds) for user in users)


def renewals(users: Iterable[int], milliseconds: int) -> tuple[bytes, ...]:
    """Return a large transfer and a new login per user: a match, and a run again."""
    return tuple(
        line
        for user in users
        for line in (
            transfer(user, LARGE_AMOUNT, milliseconds),
            login(user, milliseconds),
        )
    )
