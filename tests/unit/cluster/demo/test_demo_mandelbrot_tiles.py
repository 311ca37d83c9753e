"""Tiles that are late, wrong or many, without a cluster."""

import threading
from collections import Counter

import pytest

from cluster.demo.errors import MismatchError
from cluster.demo.mandelbrot.pixels import Pixel
from cluster.demo.mandelbrot.tiles import Event, TileSender, WorkerReply

EVENTS: list[Event] = [{"event_type": f"T{i}", "fields": {}} for i in range(8)]


class FakeCluster:
    """Answers each event with one pixel, incomplete as often as told."""

    def __init__(self, late: dict[str, int] | None = None) -> None:
        self.late = Counter(late or {})
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, event: Event) -> WorkerReply:
        name = str(event["event_type"])
        with self.lock:
            self.asked[name] += 1
            self.now += 1
            self.most = max(self.most, self.now)
            complete = self.late[name] == 0
            self.late[name] -= not complete
        with self.lock:
            self.now -= 1
        return WorkerReply([Pixel(int(name[1:]), 0, 1, diverged=True)], complete)


def send(cluster: FakeCluster, **options: object) -> list[Pixel]:
    pixels: list[Pixel] = []
    counted: list[int] = []
    pauses: list[float] = []
    sender = TileSender(cluster, parallel=3, pause=pauses.append, **options)  # type: ignore[arg-type] # options of the tests below
    sender.send_all(EVENTS, pixels.extend, counted.append)
    assert sum(counted) == len(pixels)
    assert all(pause > 0 for pause in pauses)
    return pixels


def test_every_tile_is_sent_once_when_all_are_complete() -> None:
    cluster = FakeCluster()
    assert sorted(p.x for p in send(cluster)) == list(range(8))
    assert set(cluster.asked.values()) == {1}
    assert cluster.most <= 3


def test_a_late_tile_is_sent_again_and_its_first_pixels_dropped() -> None:
    cluster = FakeCluster({"T3": 2})
    assert sorted(p.x for p in send(cluster)) == list(range(8))
    assert cluster.asked["T3"] == 3


def test_a_tile_that_is_always_late_is_an_error() -> None:
    with pytest.raises(MismatchError, match="T5 was not complete"):
        send(FakeCluster({"T5": 99}))


def test_late_tiles_do_not_matter_when_pixels_go_another_way() -> None:
    cluster = FakeCluster({"T3": 2})
    send(cluster, replies_matter=False)
    assert cluster.asked["T3"] == 1


def test_an_error_of_the_program_is_told() -> None:
    def inject(event: Event) -> WorkerReply:
        return WorkerReply([], errors=[{"code": "R001", "stream": "Tile00"}])

    sender = TileSender(inject, parallel=2)
    with pytest.raises(MismatchError, match="R001"):
        sender.send_all(EVENTS, lambda pixels: None, lambda count: None)
