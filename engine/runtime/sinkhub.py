"""Events from streams to sinks."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from engine.compiler.sinkports import SinkPort
from engine.connectors.base import ConnectorSpec, Sink, SinkFactory
from engine.runtime.arrays import Array, ArrayBatches
from engine.runtime.frame import Frame
from engine.runtime.outgoing import Entry, payloads_of

logger = logging.getLogger("varpulis")


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
        self._arrays: dict[str, ArrayBatches] = {}
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
                if port.batch is not None:
                    self._arrays[port.generated] = ArrayBatches(port.batch)

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

    def flush(
        self, ports: Iterable[SinkPort], frames: list[Frame], *, is_done: bool = True
    ) -> None:
        """Send what the ports collected, in order.

        Unless `is_done`, more is about to come: arrays that are not full wait for it.
        """
        for port in ports:
            arrays = self._arrays.get(port.generated)
            if not port.pending and (arrays is None or not is_done):
                continue
            sink = self._by_port.get(port.generated)
            if sink is not None:
                frame = frames[port.stream]
                if arrays is None:
                    sent = _send(sink, port.pending, frame.stream)
                else:
                    sent = _send_arrays(
                        sink, port.pending, frame.stream, arrays, is_done=is_done
                    )
                frame.sink_sent += sent
            port.pending.clear()


def _send(sink: Sink, pending: list[Entry], stream: str) -> int:
    """Send events, those of one topic together; returns how many they were."""
    count = 0
    for topic, entries in groupby(pending, key=itemgetter(0)):
        events = payloads_of(entries)
        sink.send(topic, events, stream=stream)
        count += len(events)
    return count


def _send_arrays(
    sink: Sink,
    pending: list[Entry],
    stream: str,
    arrays: ArrayBatches,
    *,
    is_done: bool,
) -> int:
    """Send full arrays, and what is left if that `is_done`; returns how many events."""
    ready = [
        (topic, array)
        for topic, entries in groupby(pending, key=itemgetter(0))
        for array in arrays.add(topic, entries)
    ]
    if is_done:
        ready += arrays.rest()
    for (topic, events), group in groupby(ready, key=_topic_and_size):
        payloads = [array.payload for _, array in group]
        sink.send(topic, payloads, stream=stream, events=events)
    return sum(array.events for _, array in ready)


def _topic_and_size(item: tuple[str, Array]) -> tuple[str, int]:
    return item[0], item[1].events


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
