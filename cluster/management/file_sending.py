"""Sending a file of events, batch after batch, at the pace of whoever takes them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from cluster.management.coordinator_calls import UNREACHABLE, CallError
from cluster.management.event_receivers import Outcome, Receiver
from cluster.management.file_batches import FileBatch

LISTED_FAULTS: Final = 100


@dataclass(slots=True)
class Sent:
    """What has become of the events so far.

    `last_place` is that of the last event which was answered; `faults` are the first
    that were refused, as `(place, reason)`. `unknown` are events that were sent and
    not answered.
    """

    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    output_count: int = 0
    waits: int = 0
    last_place: int | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, place: str, reason: str) -> None:
        """Count an event that is none."""
        self.failed += 1
        self.note(place, reason)

    def note(self, place: str, reason: str) -> None:
        """Keep one of the first reasons."""
        if len(self.faults) < LISTED_FAULTS:
            self.faults.append((place, reason))

    def folded(self) -> list[tuple[str, str, int]]:
        """Return each reason once, at its first place, with how often it is listed."""
        found: dict[str, tuple[str, int]] = {}
        for place, reason in self.faults:
            first, count = found.get(reason, (place, 0))
            found[reason] = (first, count + 1)
        return [(place, reason, count) for reason, (place, count) in found.items()]

    def to_json(self) -> dict[str, Any]:
        """Return the summary for scripts."""
        listed = [{"place": place, "error": why} for place, why in self.faults]
        return {
            "events_sent": self.accepted,
            "events_failed": self.failed,
            "events_unknown": self.unknown,
            "output_count": self.output_count,
            "waits": self.waits,
            "errors": listed,
            "errors_truncated": self.failed > len(listed),
        }


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, and waiting for it to pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast events are sent: `rate` per second, 0 as fast as they are taken.

    A receiver that takes nothing for `patience_s` is given up.
    """

    rate: float = 0.0
    patience_s: float = 60.0


class FileSender:
    """Sends batches one at a time, so that their order is kept.

    What finds no room is sent again after the time the receiver asks for, before
    anything later. `sent` is up to date at every moment, also after an error.
    """

    def __init__(
        self,
        receiver: Receiver,
        sent: Sent,
        *,
        place: Callable[[int], str] = str,
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.sent = sent
        self._receiver = receiver
        self._place = place
        self._pace = pace or Pace()
        self._clock = clock or Clock()

    def send_all(
        self, batches: Iterable[FileBatch], report: Callable[[Sent], None]
    ) -> None:
        """Send batches and report after each; raises CallError."""
        began = self._clock.now()
        tried = 0
        for batch in batches:
            self._send(batch)
            tried += len(batch)
            report(self.sent)
            if self._pace.rate:
                due = began + tried / self._pace.rate
                self._clock.sleep(max(0.0, due - self._clock.now()))

    def _send(self, batch: FileBatch) -> None:
        """Send a batch until all of it has been taken or refused for good."""
        last_place = batch.places[-1]
        refused_since: float | None = None
        while len(batch):
            outcome = self._offer(batch)
            self._count(batch, outcome)
            if not outcome.again:
                break
            now = self._clock.now()
            if outcome.accepted or refused_since is None:
                refused_since = now
            waited_s = now + outcome.wait_s - refused_since
            if waited_s > self._pace.patience_s:
                raise CallError(
                    f"nothing was taken for {now - refused_since:.0f} s: "
                    f"{outcome.reason or 'the pipeline is full'}; "
                    "--timeout says how long to try"
                )
            self.sent.waits += 1
            self._clock.sleep(outcome.wait_s)
            batch = batch.only(outcome.again)
        self.sent.last_place = last_place

    def _offer(self, batch: FileBatch) -> Outcome:
        """Send once; until there is an answer nobody knows what was taken."""
        self.sent.unknown = len(batch)
        try:
            outcome = self._receiver.send(batch.body(), len(batch))
        except CallError as error:
            if error.exit_code != UNREACHABLE:
                self.sent.unknown = 0  # refused: nothing was taken
            raise
        return outcome

    def _count(self, batch: FileBatch, outcome: Outcome) -> None:
        sent = self.sent
        sent.unknown = 0
        sent.accepted += outcome.accepted
        sent.failed += outcome.failed
        sent.output_count += outcome.output_count
        for index, reason in outcome.faults:
            sent.note(self._place(batch.places[index]), reason)
