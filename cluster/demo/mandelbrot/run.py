"""`varpulis demo mandelbrot`: from nothing to a verified picture."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cluster.demo.errors import MismatchError
from cluster.demo.local_cluster import LocalCluster, ThrowawayCluster
from cluster.demo.mandelbrot.formula import expected_iterations, iterations_hash
from cluster.demo.mandelbrot.mqtt import (
    PixelSubscription,
    private_broker,
    require_broker,
)
from cluster.demo.mandelbrot.picture import write_png
from cluster.demo.mandelbrot.pixels import PixelBoard, PixelError
from cluster.demo.mandelbrot.program import (
    GRID,
    Mandelbrot,
    MqttSink,
    group_spec,
    tile_events,
)
from cluster.demo.mandelbrot.tiles import GroupInject, TileSender
from cluster.demo.progress import progress

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command was asked for."""

    picture: Mandelbrot
    workers: int = 4
    out: Path | None = None
    over_mqtt: bool = False
    broker: MqttSink | None = None  # None: start one of our own, if over_mqtt
    verify: bool = True


def run_demo(request: Request, say: Say) -> None:
    """Compute, count, write and check the picture; raises DemoError."""
    picture = request.picture
    board = PixelBoard(picture)
    with ExitStack() as stack:
        sink = _sink(request, stack)
        say(f"starting a coordinator and {request.workers} workers")
        cluster = stack.enter_context(ThrowawayCluster(request.workers))
        say(f"all {request.workers} workers are ready at {cluster.layout.url}")
        started = time.monotonic()
        _compute(request, cluster, board, sink)
        seconds = time.monotonic() - started
    if not board.complete:
        raise MismatchError(f"{board.count} of {picture.pixel_count} pixels arrived")
    say(f"{board.count} pixels arrived, each once, in {seconds:.1f} s")
    if request.out is not None:
        write_png(request.out, board.iterations, picture.max_iter)
        say(f"wrote {request.out}")
    if request.verify:
        verify(board, say)


def verify(board: PixelBoard, say: Say) -> None:
    """Hold the board against the formula; raises MismatchError."""
    found = iterations_hash(board.iterations)
    expected = expected_iterations(board.picture)
    wanted = iterations_hash(expected)
    if found != wanted:
        wrong = int((board.iterations != expected).sum())
        raise MismatchError(
            f"{wrong} pixels differ from the formula: hash {found[:16]}, not {wanted[:16]}"
        )
    say(f"hash {found[:16]} is that of the formula")


def _sink(request: Request, stack: ExitStack) -> MqttSink | None:
    if not request.over_mqtt:
        return None
    if request.broker is None:
        return stack.enter_context(private_broker())
    require_broker(request.broker)
    return request.broker


def _compute(
    request: Request,
    cluster: LocalCluster,
    board: PixelBoard,
    sink: MqttSink | None,
) -> None:
    client = cluster.client()
    spec = group_spec(request.picture, request.workers, sink)
    group = client.deploy(spec)
    parallel = max(1, min(request.workers, os.cpu_count() or 1, GRID * GRID))
    inject = GroupInject(cluster.client, group["id"])
    sender = TileSender(inject, parallel=parallel, replies_matter=sink is None)
    total = request.picture.pixel_count
    with progress("pixels", total) as advance:
        try:
            if sink is None:
                sender.send_all(tile_events(), board.place, advance)
            else:
                with PixelSubscription(sink, board, advance) as subscription:
                    sender.send_all(tile_events(), _drop, lambda count: None)
                    subscription.wait_complete(cluster.check)
        except PixelError as exc:
            raise MismatchError(str(exc)) from exc
    client.close()


def _drop(pixels: object) -> None:
    """Pixels of the reply: with a broker they are taken from there."""
