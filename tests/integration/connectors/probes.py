"""What tests of sinks and sources share."""

import json
import threading
import time
from collections.abc import Callable, Sequence

from engine.connectors.base import ConnectorSpec, Message, SourceSpec

WAIT_S = 30.0


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_S) -> bool:
    """Tell whether `condition` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b'{"event_type":"N","n":%d}' % n for n in range(start, start + count)]


def numbers(payloads: Sequence[bytes]) -> list[int]:
    return [json.loads(payload)["n"] for payload in payloads]


def connector(kind: str, params, *, pipeline: str = "p") -> ConnectorSpec:
    return ConnectorSpec("C", kind, params, pipeline)


def subscription(kind: str, topic: str, params, *, pipeline: str = "p") -> SourceSpec:
    return SourceSpec(connector(kind, params, pipeline=pipeline), topic, params)


class Taker:
    """A pipeline's side of a source: keeps messages, acknowledges them or not."""

    def __init__(self, *, acknowledges: bool = True) -> None:
        self.messages: list[Message] = []
        self.acknowledges = acknowledges
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)
        self.may_go_on.wait(WAIT_S)
        if self.acknowledges:
            for message in messages:
                message.acknowledge()

    @property
    def numbers(self) -> list[int]:
        return numbers([message.payload for message in self.messages])

    def wait_for(self, count: int) -> list[int]:
        """Return the numbers once all of 0..count-1 are there, or what is by then."""
        wait_until(lambda: set(range(count)) <= set(self.numbers))
        return self.numbers
