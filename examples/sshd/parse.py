#!/usr/bin/env python3
"""Turn the log of an ssh server into events, as JSON lines in the order of time.

Usage: parse.py [--year Y] LOG.. > logins.jsonl     ("-" is standard input)

Lines begin as syslog writes them (`Mar  7 18:53:24 host sshd[1558]: ..`, taken as UTC of
the given year) or with an ISO time. What sshd itself says of a finished attempt counts:
`Failed METHOD for USER from ADDRESS` and `Accepted METHOD for USER from ADDRESS`; all
other lines, which tell the same attempts in other words, are passed over.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

# A user name may hold anything, also " from 192.0.2.1": the last address of the
# sentence counts, and what follows the port is text of the client.
_LINE = re.compile(
    r"(?P<when>\w{3} +\d+ [\d:]{8}|\d{4}-\d\d-\d\dT\S+) (?:\S+ )?sshd\[\d+\]:? "
    r"(?:\[ID \d+ \S+\] )?"
    r"(?P<result>Failed|Accepted) (?P<method>\S+) for (?P<invalid>invalid user )?"
    r"(?P<user>.*?) from (?P<address>\S+)(?: port \d+)?(?: ssh\d?)?(?::.*)?$"
)


def events(
    lines: Iterable[str], year: int
) -> Iterator[tuple[datetime, dict[str, object]]]:
    """Yield an event for each finished attempt, with its time."""
    for line in lines:
        if match := _LINE.match(line.rstrip()):
            at = _time(match["when"], year)
            yield at, _event(match, at)


def _event(match: re.Match[str], at: datetime) -> dict[str, object]:
    stamp = at.isoformat().replace("+00:00", "Z")
    fields = {
        "address": match["address"],
        "user": match["user"],
        "method": match["method"],
        "known": match["invalid"] is None,
        "at": stamp,
    }
    kind = "LoginFailed" if match["result"] == "Failed" else "LoginAccepted"
    return {"event_type": kind, "timestamp": stamp, "fields": fields}


def _time(text: str, year: int) -> datetime:
    if text[0].isdigit():
        return datetime.fromisoformat(text).astimezone(UTC)
    return datetime.strptime(f"{year} {text} +0000", "%Y %b %d %H:%M:%S %z")


def main() -> None:
    """Read the logs, write to standard output."""
    parser = argparse.ArgumentParser(description="Logins of an sshd log as JSON lines.")
    parser.add_argument("logs", nargs="+", metavar="LOG")
    parser.add_argument("--year", type=int, default=datetime.now(UTC).year)
    asked = parser.parse_args()
    found: list[tuple[datetime, dict[str, object]]] = []
    for name in asked.logs:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        found += events(text.splitlines(), asked.year)
    found.sort(key=lambda each: each[0])
    for _, event in found:
        print(json.dumps(event))


if __name__ == "__main__":
    main()
