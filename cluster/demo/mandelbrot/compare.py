"""Compare one server with four workers on equal work: the same tiles, the same pixels.

Baseline: one `varpulis server`, one pipeline, 16 contexts, called directly.
Distributed: a coordinator and four workers, four pipelines of four contexts each.

Both compute the same picture, sent by the same code with the same number of tiles at
a time. The time runs from the first event to the last pixel; every pixel is counted,
and the whole is held against the formula before a time is believed.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
import requests
from rich.console import Console
from rich.table import Table

from cluster.demo.child import Child
from cluster.demo.errors import DemoError, NotReadyError
from cluster.demo.local_cluster import ThrowawayCluster, plain_environment
from cluster.demo.mandelbrot.pixels import PixelBoard
from cluster.demo.mandelbrot.program import (
    Mandelbrot,
    group_spec,
    tile_events,
    whole_program,
)
from cluster.demo.mandelbrot.run import verify
from cluster.demo.mandelbrot.tiles import (
    Event,
    GroupInject,
    Inject,
    TileSender,
    WorkerReply,
)
from cluster.demo.ports import LOOPBACK, free_ports
from cluster.demo.progress import progress

_START_TIMEOUT_S = 30.0
_DESCRIPTION = "Compare one server with four workers on equal work."


class ServerInject:
    """Injects into a pipeline of a single server; one connection per thread."""

    def __init__(self, pipeline_url: str, key: str) -> None:
        self._url = f"{pipeline_url}/events"
        self._key = key
        self._kept = threading.local()
        self._decoder = msgspec.json.Decoder(WorkerReply)

    def __call__(self, event: Event) -> WorkerReply:
        """Inject one event; raises requests.RequestException."""
        if not hasattr(self._kept, "session"):
            self._kept.session = _session(self._key)
        answer = self._kept.session.post(self._url, json=event, timeout=60)
        answer.raise_for_status()
        return self._decoder.decode(answer.content)


def _session(key: str) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.headers["X-API-Key"] = key
    return made


def baseline(picture: Mandelbrot, stack: ExitStack) -> Inject:
    """Start one server with one pipeline of 16 contexts."""
    [port] = free_ports(1)
    base = f"http://{LOOPBACK}:{port}"
    server = Child(
        "server",
        ["server", "--port", str(port)],
        on_line=lambda name, line: None,
        environment={**plain_environment(), "VARPULIS_WORKER_KEY": "test"},
    )
    stack.callback(server.stop)
    client = _session("test")
    _wait_for(f"{base}/ready", client, server)
    body = {"name": "mandelbrot", "source": whole_program(picture)}
    answer = client.post(f"{base}/api/v1/pipelines", json=body, timeout=60)
    answer.raise_for_status()
    return ServerInject(f"{base}/api/v1/pipelines/{answer.json()['id']}", "test")


def _wait_for(url: str, client: requests.Session, server: Child) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and server.alive:
        try:
            if client.get(url, timeout=3).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise NotReadyError("the server did not start:\n" + "\n".join(server.last_lines()))


def distributed(picture: Mandelbrot, stack: ExitStack) -> Inject:
    """Start a coordinator and four workers with a pipeline each."""
    cluster = stack.enter_context(ThrowawayCluster(4))
    group = cluster.client().deploy(group_spec(picture, workers=4))
    return GroupInject(cluster.client, group["id"])


def measure(
    title: str,
    start: Callable[[Mandelbrot, ExitStack], Inject],
    picture: Mandelbrot,
    parallel: int,
) -> float:
    """Return the seconds from the first event to the last pixel, verified."""
    board = PixelBoard(picture)
    with ExitStack() as stack:
        sender = TileSender(start(picture, stack), parallel=parallel)
        with progress(title, picture.pixel_count) as advance:
            started = time.perf_counter()
            sender.send_all(tile_events(), board.place, advance)
            seconds = time.perf_counter() - started
    if not board.complete:
        raise DemoError(f"{title}: {board.count} of {picture.pixel_count} pixels")
    verify(
        board, lambda line: Console().print(f"{title}: {board.count} pixels, {line}")
    )
    return seconds


def _report(picture: Mandelbrot, parallel: int, one: float, four: float) -> None:
    table = Table(
        title=f"{picture.size} x {picture.size} pixels, up to {picture.max_iter} "
        f"iterations, {os.cpu_count()} cores, {parallel} tiles at a time"
    )
    for heading in ("", "processes", "contexts", "seconds", "pixels/s"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, processes, contexts, seconds in (
        ("baseline", "1", "16", one),
        ("distributed", "1 + 4", "4 x 4", four),
    ):
        rate = f"{picture.pixel_count / seconds:,.0f}"
        table.add_row(name, processes, contexts, f"{seconds:.2f}", rate)
    console = Console()
    console.print(table)
    console.print(f"distributed is {one / four:.2f} times as fast as the baseline")


def main() -> None:
    """Measure both and print a table; exits 1 if either is wrong."""
    parser = argparse.ArgumentParser("bench.py", description=_DESCRIPTION)
    parser.add_argument("--size", type=int, default=1000, help="pixels per side")
    parser.add_argument("--max-iter", type=int, default=256)
    cores = os.cpu_count() or 1
    parser.add_argument("--parallel", type=int, default=min(cores, 16), help="tiles")
    chosen = parser.parse_args()
    try:
        picture = Mandelbrot(chosen.size, chosen.max_iter)
        one = measure("baseline", baseline, picture, chosen.parallel)
        four = measure("distributed", distributed, picture, chosen.parallel)
    except ValueError as exc:
        parser.error(str(exc))
    except (DemoError, requests.RequestException) as exc:
        sys.exit(f"bench: {exc}")
    _report(picture, chosen.parallel, one, four)


if __name__ == "__main__":
    main()
