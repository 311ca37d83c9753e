#!/usr/bin/env python3
"""Make up a day in the log of an ssh server, the same one for the same seed.

Usage: make_log.py [--seed N] > auth.log

Users log in by key or password and mistype it now and then. Bots try passwords in
bursts, slowly, or until one fits. All addresses are of the ranges for documentation.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY_S = 86_400
USERS = ("alice", "bob", "carol", "dave", "erin")
GUESSES = ("root", "admin", "test", "oracle", "postgres", "git")

Attempt = tuple[float, str]  # second of the day, what sshd says


def people(rng: random.Random) -> Iterator[Attempt]:
    """Yield the logins of the users: some mistype, one or the other often."""
    for number, user in enumerate(USERS, start=10):
        for _ in range(12):
            at, address = rng.uniform(0, DAY_S), f"192.0.2.{number}"
            for _ in range(rng.choice((0, 0, 0, 1, 2, 6))):
                yield at, f"Failed password for {user} from {address}"
                at += rng.uniform(3, 20)
            method = rng.choice(("password", "publickey"))
            yield at, f"Accepted {method} for {user} from {address}"


def bots(rng: random.Random) -> Iterator[Attempt]:
    """Yield attacks: 4 to 30 tries at one to 200 seconds, every fourth succeeds."""
    for number in range(1, 41):
        address = f"203.0.113.{number}"
        at, pause = rng.uniform(0, DAY_S), rng.choice((1.0, 5.0, 60.0, 200.0))
        for _ in range(rng.randint(4, 30)):
            guess = rng.choice(GUESSES)
            unknown = "" if guess == "root" else "invalid user "
            yield at, f"Failed password for {unknown}{guess} from {address}"
            at += pause * rng.uniform(0.5, 1.5)
        if number % 4 == 0:
            yield at, f"Accepted password for {rng.choice(USERS)} from {address}"


def log(seed: int) -> Iterator[str]:
    """Yield the lines in the order of time."""
    rng = random.Random(seed)
    for at, said in sorted([*people(rng), *bots(rng)]):
        when = (MIDNIGHT + timedelta(seconds=at)).strftime("%b %e %H:%M:%S")
        process, port = rng.randint(1000, 32_000), rng.randint(1024, 65_535)
        yield f"{when} gate sshd[{process}]: {said} port {port} ssh2"


def main() -> None:
    """Write to standard output."""
    parser = argparse.ArgumentParser(description="A made-up log of an ssh server.")
    parser.add_argument("--seed", type=int, default=1)
    for line in log(parser.parse_args().seed):
        print(line)


if __name__ == "__main__":
    main()
