"""Sends the tile events and collects their pixels."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import msgspec

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import MismatchError
from cluster.demo.mandelbrot.pixels import Pixel
from cluster.demo.progress import Advance

Event = Mapping[str, Any]
PlacePixels = Callable[[list[Pixel]], None]

_TRIES = 6
_PAUSE_S = 4.0  # times the number of the try


class WorkerReply(msgspec.Struct):
    """A worker's answer to one event, as far as it matters here."""

    output_events: list[Pixel]
    complete: bool = True
    errors: list[dict[str, Any]] = []


class CoordinatorReply(msgspec.Struct):
    """The coordinator's answer to one inject."""

    worker_response: WorkerReply


# How one event is injected, from whatever thread; what came of it.
Inject = Callable[[Event], WorkerReply]

_decoder = msgspec.json.Decoder(CoordinatorReply)


class GroupInject:
    """Injects into a group through the coordinator; one connection per thread."""

    def __init__(
        self, make_client: Callable[[], CoordinatorClient], group_id: str
    ) -> None:
        self._make_client = make_client
        self._group_id = group_id
        self._kept = threading.local()

    def __call__(self, event: Event) -> WorkerReply:
        """Inject one event; raises CallRefusedError, CoordinatorUnreachableError."""
        if not hasattr(self._kept, "client"):
            self._kept.client = self._make_client()
        client: CoordinatorClient = self._kept.client
        return _decoder.decode(client.inject(self._group_id, event)).worker_response


class TileSender:
    """Injects tile events, at most `parallel` of them being computed at a time.

    A worker has 10 s to answer. A tile that takes longer, because the machine is
    busy, is answered `"complete": false`; its pixels are dropped and it is sent
    again, alone. Every tile ends complete or with MismatchError. With
    `replies_matter` false (pixels go another way) nothing is sent twice.
    """

    def __init__(
        self,
        inject: Inject,
        *,
        parallel: int,
        replies_matter: bool = True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inject = inject
        self._parallel = parallel
        self._replies_matter = replies_matter
        self._pause = pause
        self._alone = threading.Lock()

    def send_all(
        self, events: Iterable[Event], place: PlacePixels, advance: Advance
    ) -> None:
        """Send every event; call `place`, then `advance`, with each tile's pixels.

        The first error ends it and is raised.
        """

        def send(event: Event) -> None:
            pixels = self._complete_tile(event)
            place(pixels)
            advance(len(pixels))

        pool = ThreadPoolExecutor(self._parallel)
        try:
            sent = [pool.submit(send, event) for event in events]
            done, _ = wait(sent, return_when=FIRST_EXCEPTION)
        finally:
            # Whoever is interrupted does not wait for tiles that take seconds: they
            # end with the cluster that computes them.
            pool.shutdown(wait=False, cancel_futures=True)
        for future in done:
            future.result()

    def _complete_tile(self, event: Event) -> list[Pixel]:
        reply = self._reply(event)
        if reply.complete or not self._replies_matter:
            return reply.output_events
        with self._alone:
            for attempt in range(1, _TRIES):
                self._pause(_PAUSE_S * attempt)
                reply = self._reply(event)
                if reply.complete:
                    return reply.output_events
        raise MismatchError(
            f"{event['event_type']} was not complete within the time for an answer, "
            f"{_TRIES} times: the machine is too busy, or --size too large for it"
        )

    def _reply(self, event: Event) -> WorkerReply:
        reply = self._inject(event)
        if reply.errors:
            raise MismatchError(f"{event['event_type']} failed: {reply.errors[0]}")
        return reply
