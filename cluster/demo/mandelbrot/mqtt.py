"""Pixels by way of an MQTT broker."""

import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cluster.demo.errors import MismatchError, NotReadyError, UsageError
from cluster.demo.mandelbrot.pixels import Pixel, PixelBoard, PixelError
from cluster.demo.mandelbrot.program import MqttSink
from cluster.demo.ports import LOOPBACK, free_ports, listens
from cluster.demo.progress import Advance

_START_TIMEOUT_S = 10.0
_SILENCE_TIMEOUT_S = 30.0  # no pixel for so long: the rest is lost
_POLL_S = 0.1
_BUNCH = 1000  # pixels placed at a time
# Brokers in /usr/sbin are not on everybody's PATH.
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/sbin"
# Without these limits a broker drops what a slow subscriber has not taken.
_CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 0
"""


def require_broker(sink: MqttSink) -> None:
    """Raise UsageError, saying how to get one, unless a broker listens there."""
    if not listens(sink.host, sink.port):
        raise UsageError(
            f"no MQTT broker answers at {sink.host}:{sink.port}: start one, "
            "for example with: docker run -d -p 1883:1883 eclipse-mosquitto"
        )


@contextlib.contextmanager
def private_broker() -> Iterator[MqttSink]:
    """Run a Mosquitto of our own on a free port while open.

    Raises UsageError if it is not installed, NotReadyError if it does not start.
    """
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SEARCH_PATH)
    if program is None:
        raise UsageError(
            "--sink mqtt needs a broker: install one (apt install mosquitto), or "
            "give the address of yours with --broker HOST:PORT"
        )
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="varpulis-mqtt-") as folder:
        configuration = Path(folder) / "mosquitto.conf"
        configuration.write_text(_CONFIGURATION.format(port=port, host=LOOPBACK))
        process = subprocess.Popen(  # noqa: S603 -- the path was looked up above
            [program, "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(port, process)
            yield MqttSink(LOOPBACK, port)
        finally:
            process.terminate()
            process.wait()


class PixelSubscription:
    """Takes pixels from the broker and puts them on the board, while open."""

    def __init__(self, sink: MqttSink, board: PixelBoard, advance: Advance) -> None:
        self._sink = sink
        self._board = board
        self._advance = advance
        self._waiting: list[Pixel] = []
        self._decoder = msgspec.json.Decoder(Pixel)
        self._subscribed = threading.Event()
        self._error: Exception | None = None
        self._last_change = time.monotonic()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> "PixelSubscription":
        """Connect and subscribe; raises NotReadyError if the broker refuses."""
        sink = self._sink
        try:
            self._client.connect(sink.host, sink.port)
        except OSError as exc:
            raise NotReadyError(f"{sink.host}:{sink.port}: {exc}") from exc
        self._client.loop_start()
        if not self._subscribed.wait(_START_TIMEOUT_S):
            raise NotReadyError(f"{sink.host}:{sink.port} takes no subscription")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait_complete(self, check: Callable[[], None]) -> None:
        """Return when every pixel has come; `check` may raise meanwhile.

        Raises MismatchError on an impossible pixel, or after 30 s of silence.
        """
        while not self._board.complete:
            check()
            if self._error is not None:
                raise MismatchError(str(self._error)) from self._error
            if time.monotonic() - self._last_change > _SILENCE_TIMEOUT_S:
                raise MismatchError(
                    f"{self._board.count} of {self._board.picture.pixel_count} pixels "
                    "came over MQTT, then nothing for 30 s (a broker that drops "
                    "messages for slow readers needs max_queued_messages 0)"
                )
            time.sleep(_POLL_S)

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(self._sink.topic, qos=1)

    def _on_message(
        self, client: paho.Client, context: object, message: paho.MQTTMessage
    ) -> None:
        self._last_change = time.monotonic()
        try:
            self._waiting.append(self._decoder.decode(message.payload))
            left = self._board.picture.pixel_count - self._board.count
            if len(self._waiting) >= min(_BUNCH, left):
                self._place()
        except (PixelError, msgspec.DecodeError) as exc:
            self._error = exc

    def _place(self) -> None:
        pixels, self._waiting = self._waiting, []
        self._board.place(pixels)
        self._advance(len(pixels))


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not listens(LOOPBACK, port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReadyError("mosquitto does not start")
        time.sleep(_POLL_S)
