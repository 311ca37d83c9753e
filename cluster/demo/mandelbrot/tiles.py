"""Sends the tile events through the coordinator and collects their pixels."""

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


class TileReply(msgspec.Struct):
    """The coordinator's answer to one inject."""

    routed_to: str
    worker_id: str
    worker_response: WorkerReply


_decoder = msgspec.json.Decoder(TileReply)


class TileSender:
    """Injects tile events, at most `parallel` of them being computed at a time.

    A worker has 10 s to answer. A tile that takes longer, because the machine is
    busy, is answered `"complete": false`; its pixels are dropped and it is sent
    again, alone. Every tile ends complete or with MismatchError. With
    `replies_matter` false (pixels go another way) nothing is sent twice.
    """

    def __init__(
        self,
        make_client: Callable[[], CoordinatorClient],
        group_id: str,
        *,
        parallel: int,
        replies_matter: bool = True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._make_client = make_client
        self._group_id = group_id
        self._parallel = parallel
        self._replies_matter = replies_matter
        self._pause = pause
        self._alone = threading.Lock()
        self._clients = threading.local()
        self.workers_used: set[str] = set()

    def send_all(
        self, events: Iterable[Event], place: PlacePixels, advance: Advance
    ) -> None:
        """Send every event; call `place`, then `advance`, with each tile's pixels."""

        def send(event: Event) -> None:
            pixels = self._complete_tile(event)
            place(pixels)
            advance(len(pixels))

        with ThreadPoolExecutor(self._parallel) as pool:
            sent = [pool.submit(send, event) for event in events]
            _, left = wait(sent, return_when=FIRST_EXCEPTION)
            for future in left:
                future.cancel()
        for future in sent:
            if not future.cancelled():
                future.result()

    def _complete_tile(self, event: Event) -> list[Pixel]:
        reply = self._tile(event)
        if reply.complete or not self._replies_matter:
            return reply.output_events
        with self._alone:
            for attempt in range(1, _TRIES):
                self._pause(_PAUSE_S * attempt)
                reply = self._tile(event)
                if reply.complete:
                    return reply.output_events
        raise MismatchError(
            f"{event['event_type']} was not complete within the time for an answer, "
            f"{_TRIES} times: the machine is too busy, or --size too large for it"
        )

    def _tile(self, event: Event) -> WorkerReply:
        tile = _decoder.decode(self._client().inject(self._group_id, event))
        self.workers_used.add(tile.worker_id)
        reply = tile.worker_response
        if reply.errors:
            raise MismatchError(
                f"{event['event_type']} on {tile.worker_id}: {reply.errors[0]}"
            )
        return reply

    def _client(self) -> CoordinatorClient:
        if not hasattr(self._clients, "client"):
            self._clients.client = self._make_client()
        client: CoordinatorClient = self._clients.client
        return client
