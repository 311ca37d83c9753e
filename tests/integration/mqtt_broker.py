"""A real MQTT broker for tests: Mosquitto where there is one, else amqtt.

There is no skipping: without either, tests fail and say what to install.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
READY_S = 20.0

AMQTT_PROGRAM = """
import asyncio, sys
from amqtt.broker import Broker
async def main():
    broker = Broker({"listeners": {"default": {"type": "tcp",
        "bind": "127.0.0.1:" + sys.argv[1]}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}}})
    await broker.start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A broker on a port of its own, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "broker.log").open("ab") as log_file:
            self._process = subprocess.Popen(
                self._command(), stdout=subprocess.DEVNULL, stderr=log_file
            )
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        log = (self._folder / "broker.log").read_text()
        pytest.fail(f"no MQTT broker: install mosquitto (Debian) or amqtt (pip). {log}")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(10)
        self._process = None

    def subscriber(self, topic: str) -> "Subscriber":
        return Subscriber(self.port, topic)

    def _command(self) -> list[str]:
        if not MOSQUITTO:
            return [sys.executable, "-c", AMQTT_PROGRAM, str(self.port)]
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            "max_queued_messages 0\nset_tcp_nodelay true\n"
        )
        return [MOSQUITTO, "-c", str(config)]


class Subscriber:
    """Collects what is published below a topic."""

    def __init__(self, port: int, topic: str) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._subscribed = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, message: self.messages.append((
            message.topic,
            message.payload,
        ))
        self._client.on_subscribe = self._on_subscribe
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, qos=1)
        self._client.loop_start()

    def __enter__(self) -> "Subscriber":
        assert wait_until(lambda: self._subscribed), "no SUBACK"
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, *_args: object) -> None:
        self._subscribed = True

    def wait_for(self, count: int, seconds: float = 20.0) -> list[tuple[str, bytes]]:
        """Return all messages once there are `count`, or what came until then."""
        wait_until(lambda: len(self.messages) >= count, seconds)
        return self.messages


def wait_until(condition, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def mqtt_broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()
