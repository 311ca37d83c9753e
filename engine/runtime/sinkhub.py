"""Events from streams to sinks."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from engine.compiler.sinkports import SinkPort
from engine.connectors.base import ConnectorSpec, Sink, SinkFactory
from engine.encoding import encode
from engine.runtime.columns import Columns
from engine.runtime.frame import Frame
from engine.runtime.values import iso_text

logger = logging.getLogger("varpulis")


def encode_for_sink(output: Any, stamp: int) -> bytes:
    """Return the flat JSON object of an output with its timestamp (vpl.md 18.2).

    `stamp` is in ns since 1970 UTC.
    """
    text = iso_text(stamp)
    if isinstance(output, msgspec.Struct):
        output.ts = text  # type: ignore[attr-defined]  # every output class has it
        payload = encode(output)
        output.ts = None  # type: ignore[attr-defined]  # replies go without
        return payload
    if "timestamp" in output:
        return encode(output)
    head = {"event_type": output["event_type"], "timestamp": text}
    return encode(head | output)


class SinkHub:
    """The sinks of one pipeline; without a factory events end here, uncounted.

    With `since`, sinks whose specs are equal are taken over from another hub, open as
    they are.
    """

    def __init__(
        self,
        ports: Iterable[SinkPort],
        factory: SinkFactory | None,
        pipeline: str,
        *,
        since: "SinkHub | None" = None,
    ) -> None:
        self.sinks: dict[str, Sink] = {}
        self._by_port: dict[str, Sink] = {}
        self._kept = since._made if since is not None else []
        self._made: list[tuple[ConnectorSpec, Sink]] = []
        for port in ports if factory is not None else ():
            spec = replace(port.spec, pipeline=pipeline)
            sink = _found(spec, self._made)
            if sink is None and factory is not None:
                sink = _found(spec, self._kept) or factory(_apart(spec, self._made))
                self._made.append((spec, sink))
                self.sinks[_free_name(spec.name, self.sinks)] = sink
            if sink is not None:
                self._by_port[port.generated] = sink

    @property
    def connections(self) -> tuple[tuple[ConnectorSpec, Sink], ...]:
        """Return the sinks with the connectors they belong to."""
        return tuple(self._made)

    def open(self) -> None:
        """Open every sink that is not open yet."""
        for spec, sink in self._made:
            if _found(spec, self._kept) is not sink:
                sink.open()

    def close(self, timeout_s: float, *, except_for: "SinkHub | None" = None) -> None:
        """Close every sink that the other hub does not use, each in `timeout_s`."""
        kept = [] if except_for is None else list(except_for.sinks.values())
        closing = [
            threading.Thread(target=_close, args=(name, sink, timeout_s), daemon=True)
            for name, sink in self.sinks.items()
            if not any(sink is other for other in kept)
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def flush(self, ports: Iterable[SinkPort], frames: list[Frame]) -> None:
        """Send what the ports collected, in order."""
        for port in ports:
            if not port.pending:
                continue
            sink = self._by_port.get(port.generated)
            if sink is not None:
                frame = frames[port.stream]
                frame.sink_sent += _send(sink, port.pending, frame.stream)
            port.pending.clear()


def _send(sink: Sink, pending: list[tuple[str, Any, Any]], stream: str) -> int:
    """Send events, those of one topic together; returns how many they were."""
    count = 0
    for topic, entries in groupby(pending, key=itemgetter(0)):
        events = _payloads(entries)
        sink.send(topic, events, stream=stream)
        count += len(events)
    return count


def _payloads(entries: Iterable[tuple[str, Any, Any]]) -> list[bytes]:
    payloads: list[bytes] = []
    for _, output, stamp in entries:
        if output.__class__ is Columns:
            payloads += output.payloads(iso_text(stamp))
        else:
            payloads.append(encode_for_sink(output, stamp))
    return payloads


def _close(name: str, sink: Sink, timeout_s: float) -> None:
    try:
        sink.close(timeout_s)
    except Exception:  # boundary of the thread: nothing above would log it
        logger.exception("Connector '%s' did not close", name)


def _apart(
    spec: ConnectorSpec, made: Iterable[tuple[ConnectorSpec, Sink]]
) -> ConnectorSpec:
    """Return a connector under a client id that no other sink of its name has.

    Far sides that know clients by their ids would throw out one for the other.
    """
    before = sum(known.name == spec.name for known, _ in made)
    client_id = spec.params.get("client_id")
    if not before or client_id is None:
        return spec
    params = {**spec.params, "client_id": f"{client_id}-{before + 1}"}
    return replace(spec, params=params)


def _found(
    spec: ConnectorSpec, made: Iterable[tuple[ConnectorSpec, Sink]]
) -> Sink | None:
    return next((sink for known, sink in made if known == spec), None)


def _free_name(name: str, taken: dict[str, Sink]) -> str:
    count = 1
    free = name
    while free in taken:
        count += 1
        free = f"{name}#{count}"
    return free
