"""Events from sources into the pipeline."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.compiler.sourceports import SourcePort
from engine.connectors.base import Message, Source, SourceFactory, SourceSpec
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.errors import BadEventError, PipelineClosedError
from engine.event import Event
from engine.runtime.sourcepayload import PayloadReader, dead_letter_of

logger = logging.getLogger("varpulis")


@dataclass(frozen=True, slots=True)
class Intake:
    """The side of a pipeline that sources see.

    `row` makes an event a row and raises `BadEventError` beyond its bounds. `take`
    handles rows and all they cause; it blocks meanwhile and while the pipeline is
    busy, and raises `PipelineClosedError`. `take_lines` is the quick way: it does the
    same for as many events in JSON lines, if all have one form, and else returns False.
    """

    row: Callable[[Event], Any]
    take: Callable[[list[Any]], None]
    take_lines: Callable[[bytes, int], bool]


class Subscription:
    """One source with the streams that read from it.

    `received` counts messages, `rejected` those and parts of those that were no events.
    """

    def __init__(
        self,
        spec: SourceSpec,
        source: Source,
        reader: PayloadReader,
        stream: str,
    ) -> None:
        self.spec = spec
        self.source = source
        self.received = 0
        self.rejected = 0
        self._reader = reader
        self._stream = stream

    def read_as(self, reader: PayloadReader, stream: str) -> None:
        """Read messages from now on in another way, for another program."""
        self._reader = reader
        self._stream = stream

    @property
    def connected(self) -> bool:
        """Tell whether events can arrive at present."""
        return self.source.connected

    def status(self) -> dict[str, Any]:
        """Return what the source says of itself, and what was made of its messages."""
        counts = {"received": self.received, "rejected": self.rejected}
        return {**self.source.status(), **counts}

    def bound_to(
        self, intake: Intake, letters: DeadLetters
    ) -> Callable[[Sequence[Message]], None]:
        """Return what the source delivers to: `Deliver` of the connectors' contract."""

        def deliver(messages: Sequence[Message]) -> None:
            try:
                self._process(messages, intake, letters)
            except PipelineClosedError:
                return  # unacknowledged: it comes again
            for message in messages:
                message.acknowledge()

        return deliver

    def _process(
        self, messages: Sequence[Message], intake: Intake, letters: DeadLetters
    ) -> None:
        lines = self._reader.lines(messages)
        if lines is not None and intake.take_lines(lines, len(messages)):
            self.received += len(messages)
            return
        rows: list[Any] = []
        for message in messages:
            self._read(message, rows, intake, letters)
        intake.take(rows)

    def _read(
        self, message: Message, rows: list[Any], intake: Intake, letters: DeadLetters
    ) -> None:
        self.received += 1

        def reject(what: Any, reason: str) -> None:
            self.rejected += 1
            connector = self.spec.connector
            origin = Origin(connector.pipeline, self._stream, connector.name, reason)
            letters.write(origin, [dead_letter_of(what)])

        for event, part in self._reader.read(message.payload, message.topic, reject):
            try:
                rows.append(intake.row(event))
            except BadEventError as error:
                reject(part, str(error))


class SourceHub:
    """The sources of one pipeline; without a factory there are none, as in trial runs.

    Streams with the same connector, topic and parameters share one source. With
    `since`, subscriptions with equal specs are taken over from another hub, open as
    they are, once `open` is called.
    """

    def __init__(
        self,
        ports: Iterable[SourcePort],
        factory: SourceFactory | None,
        pipeline: str,
        letters: DeadLetters | None = None,
        *,
        since: "SourceHub | None" = None,
    ) -> None:
        self._letters = letters or DeadLetters()
        self._ports = tuple(ports) if factory is not None else ()
        self._kept: tuple[Subscription, ...] = ()
        if since is not None:
            self._kept = since.subscriptions
        self._pipeline = pipeline
        self.subscriptions: tuple[Subscription, ...] = tuple(
            self._subscription(spec, factory)
            for spec in _distinct(self._ports)
            if factory is not None
        )

    def _subscription(self, spec: SourceSpec, factory: SourceFactory) -> Subscription:
        connector = replace(spec.connector, pipeline=self._pipeline)
        known = replace(spec, connector=connector)
        kept = next((item for item in self._kept if item.spec == known), None)
        if kept is not None:
            return kept
        sharing, reader = self._reading(known)
        return Subscription(known, factory(known), reader, sharing[0].stream)

    def _reading(self, spec: SourceSpec) -> tuple[list[SourcePort], PayloadReader]:
        """Return the ports that share a source, and what reads its messages."""
        plain = replace(spec.connector, pipeline="")
        sharing = [
            port for port in self._ports if port.spec == replace(spec, connector=plain)
        ]
        taken = {
            port.event
            for port in self._ports
            if port.spec.connector.name == spec.connector.name
        }
        return sharing, PayloadReader(sharing, taken)

    def open(self, intake: Intake) -> None:
        """Open every source that is not open yet; the others read as asked here."""
        for subscription in self.subscriptions:
            if subscription in self._kept:
                sharing, reader = self._reading(subscription.spec)
                subscription.read_as(reader, sharing[0].stream)
                continue
            deliver = subscription.bound_to(intake, self._letters)
            subscription.source.open(deliver)

    def close(self, timeout_s: float, *, except_for: "SourceHub | None" = None) -> None:
        """Close every source the other hub does not use.

        All of them together have `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        kept = () if except_for is None else except_for.subscriptions
        closing = [
            threading.Thread(target=_close, args=(item, timeout_s), daemon=True)
            for item in self.subscriptions
            if item not in kept
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(max(0.0, deadline + 1.0 - time.monotonic()))


def _close(subscription: Subscription, timeout_s: float) -> None:
    try:
        subscription.source.close(timeout_s)
    except Exception:  # boundary of the thread: nothing above would log it
        name = subscription.spec.connector.name
        logger.exception("Connector '%s' did not close", name)


def _distinct(ports: Iterable[SourcePort]) -> list[SourceSpec]:
    found: list[SourceSpec] = []
    for port in ports:
        if port.spec not in found:
            found.append(port.spec)
    return found
