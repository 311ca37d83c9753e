"""A million pixels by way of a real Mosquitto to one counting subscriber."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from bench.mandelbrot.compute import check
from bench.mandelbrot.subscriber import payloads
from bench.result import WrongOutputError, require
from cluster.demo.errors import DemoError
from cluster.demo.local_cluster import ThrowawayCluster
from cluster.demo.mandelbrot.mqtt import private_broker
from cluster.demo.mandelbrot.program import (
    Mandelbrot,
    MqttSink,
    group_spec,
    tile_events,
)

WORKERS = 4
SUBSCRIBER = Path(__file__).with_name("subscriber.py")  # light: a file, no package
TIMEOUT_S = 180.0


def seconds(picture: Mandelbrot, batch: int, repeats: int) -> tuple[float, ...]:
    """Return the seconds from the first event to the last pixel at the subscriber.

    `batch` pixels go in one message; 1 sends each alone. Every picture is compared
    with the formula. Raises `WrongOutputError`, and `UsageError` without a Mosquitto.
    """
    with (
        private_broker() as broker,
        ThrowawayCluster(WORKERS) as cluster,
        closing(cluster.client()) as client,
    ):
        spec = group_spec(picture, WORKERS, broker)
        if batch > 1:
            _send_in_batches(spec, batch)
        group = client.deploy(spec)
        events = b"\n".join(msgspec.json.encode(event) for event in tile_events())

        def inject() -> list[Any]:
            """Return what went wrong; an answer that comes too late is no loss yet."""
            try:
                summary = client.inject_batch(group["id"], events, outputs="count")
            except DemoError as exc:
                return [str(exc)]
            return list(summary.get("runtime_errors", [])) + list(summary["errors"])

        return tuple(_once(picture, broker, inject) for _ in range(repeats))


def _send_in_batches(spec: dict[str, Any], batch: int) -> None:
    for pipeline in spec["pipelines"]:
        pipeline["source"] = re.sub(
            r'(\.to\(MqttOut, topic: "[^"]*")\)', rf"\1, batch: {batch})",
            pipeline["source"],
        )  # fmt: skip


def _once(
    picture: Mandelbrot, broker: MqttSink, inject: Callable[[], list[Any]]
) -> float:
    with tempfile.TemporaryDirectory(prefix="varpulis-mqtt-") as folder:
        path = Path(folder) / "packets"
        command = [sys.executable, str(SUBSCRIBER)]
        command += [str(broker.port), broker.topic, str(picture.pixel_count), str(path)]
        counter = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert counter.stdout is not None
            require(counter.stdout.readline(), "ready\n", "the subscriber")
            started = time.monotonic()
            complaints = inject()
            printed, complaint = counter.communicate(timeout=TIMEOUT_S)
        finally:
            counter.kill()
            counter.wait()
        if counter.returncode:
            raise WrongOutputError(
                f"the subscriber: {complaint[-200:]}; the workers: {complaints[:1]}"
            )
        check(picture, _pixels(path.read_bytes()))
    return float(printed) - started


def _pixels(received: bytes) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder().decode
    for payload in payloads(received):
        found = decode(payload)
        if isinstance(found, list):
            yield from found
        else:
            yield found
