"""The Mandelbrot demo and the tutorial's scripts, at a reduced size."""

import re
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cluster.demo.mandelbrot.formula import expected_iterations
from cluster.demo.mandelbrot.mqtt import private_broker
from cluster.demo.mandelbrot.picture import colours
from cluster.demo.mandelbrot.program import Mandelbrot
from tests.acceptance.real_commands import (
    EXAMPLES,
    VARPULIS,
    finished,
    ports_in_a_row,
    running,
)

pytestmark = pytest.mark.process
FOLDER = EXAMPLES / "mandelbrot" / "distributed"
SMALL = ["--size", "60", "--max-iter", "50"]


def rgb_of(png: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    content = png.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    start = content.index(b"IDAT") + 4
    lines = zlib.decompressobj().decompress(content[start:])
    rows = np.frombuffer(lines, np.uint8).reshape(height, 1 + width * 3)
    return rows[:, 1:].reshape(height, width, 3)


@pytest.mark.parametrize("sink", ["http", "mqtt"])
def test_the_demo_writes_the_verified_picture(tmp_path: Path, sink: str) -> None:
    out = tmp_path / "m.png"
    done = finished([
        VARPULIS,
        "demo",
        "mandelbrot",
        *SMALL,
        "--sink",
        sink,
        "--out",
        out,
    ])
    assert done.returncode == 0, done.stderr
    assert "all 4 workers are ready" in done.stdout
    assert "3600 pixels arrived, each once" in done.stdout
    assert "is that of the formula" in done.stdout
    assert "pixels: 3600 of 3600 (100 %)" in done.stderr
    wanted = colours(expected_iterations(Mandelbrot(60, 50)), 50)
    assert (rgb_of(out) == wanted).all()


def test_the_demo_runs_on_one_worker_too() -> None:
    done = finished([VARPULIS, "demo", "mandelbrot", "--size", "20", "--workers", "1"])
    assert done.returncode == 0, done.stderr
    assert "400 pixels arrived, each once" in done.stdout


def test_the_demo_refuses_a_size_it_cannot_cut() -> None:
    done = finished([VARPULIS, "demo", "mandelbrot", "--size", "61"])
    assert done.returncode == 2
    assert "a multiple of 4" in done.stderr


def test_the_demo_says_when_no_broker_answers() -> None:
    port = ports_in_a_row(1)
    command = [VARPULIS, "demo", "mandelbrot", *SMALL, "--sink", "mqtt"]
    done = finished([*command, "--broker", f"127.0.0.1:{port}"])
    assert done.returncode == 2
    assert f"no MQTT broker answers at 127.0.0.1:{port}" in done.stderr


def test_an_interrupted_demo_leaves_no_process() -> None:
    command = [VARPULIS, "demo", "mandelbrot", "--size", "1000"]
    with running(command) as process:
        process.wait_for("workers are ready")
        children = psutil.Process(process.process.pid).children()
        assert len(children) == 5
        assert process.stop() == 130
    assert not any(child.is_running() for child in children)


@pytest.fixture
def small_copy(tmp_path: Path) -> Path:
    """The example, cut down from 1000 x 1000 pixels to 40 x 40."""
    copy = tmp_path / "distributed"
    shutil.copytree(FOLDER, copy)
    for program in copy.glob("*.vpl"):
        text = program.read_text().replace("1000.0", "40.0")
        for tile in range(4):
            text = re.sub(rf"\b{tile * 250}\b(?=[^)]*250, 256\))", str(tile * 10), text)
        program.write_text(text.replace("250, 256)", "10, 50)"))
    return copy


def ports() -> dict[str, str]:
    first = ports_in_a_row(5)
    return {"COORDINATOR_PORT": str(first), "WORKER_PORT": str(first + 1)}


def test_deploy_sh_computes_all_tiles_without_a_broker(small_copy: Path) -> None:
    done = finished([small_copy / "deploy.sh", "--no-mqtt", "--once"], **ports())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1600 pixels computed" in done.stdout
    for row in range(4):
        assert f'"ComputeTile{row}*"' in done.stdout
        assert f'"worker-{row}"' in done.stdout


def test_deploy_sh_sends_every_pixel_to_the_broker(small_copy: Path) -> None:
    pixels: set[bytes] = set()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda c, u, message: pixels.add(message.payload)
    with private_broker() as broker:
        client.connect(broker.host, broker.port)
        client.subscribe("mandelbrot/pixels", qos=1)
        client.loop_start()
        address = {"MQTT_HOST": broker.host, "MQTT_PORT": str(broker.port)}
        done = finished([small_copy / "deploy.sh", "--once"], **ports(), **address)
        assert done.returncode == 0, done.stdout + done.stderr
        client.disconnect()
        client.loop_stop()
    assert len(pixels) == 1600


def test_deploy_sh_says_how_to_get_a_broker(small_copy: Path) -> None:
    nobody = {"MQTT_PORT": str(ports_in_a_row(1))}
    done = finished([small_copy / "deploy.sh"], **ports(), **nobody)
    assert done.returncode == 1
    assert "docker run -d -p 1883:1883 eclipse-mosquitto" in done.stderr
    assert "apt install mosquitto" in done.stderr


def test_bench_py_compares_equal_work() -> None:
    script = FOLDER / "bench.py"
    done = finished([sys.executable, script, "--size", "40", "--max-iter", "30"])
    assert done.returncode == 0, done.stdout + done.stderr
    for title in ("baseline", "distributed"):
        assert f"{title}: 1600 pixels, hash" in done.stdout
    assert re.search(
        r"distributed is [\d.]+ times as fast as the baseline", done.stdout
    )
