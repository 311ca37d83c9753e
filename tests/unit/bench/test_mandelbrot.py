"""The Mandelbrot workload: every contender computes the same pixels."""

import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from bench.mandelbrot import compute, messages
from bench.mandelbrot.baselines import by_c, by_numpy_s, by_python_s
from bench.mandelbrot.subscriber import payloads
from bench.result import WrongOutputError
from cluster.demo.mandelbrot.formula import expected_iterations
from cluster.demo.mandelbrot.program import Mandelbrot, MqttSink, group_spec

SMALL = Mandelbrot(size=16, max_iter=40)


def pixels(picture):
    counts = expected_iterations(picture)
    return [
        {"x": x, "y": y, "iterations": int(n), "diverged": bool(n < picture.max_iter)}
        for (y, x), n in np.ndenumerate(counts)
    ]


def test_the_engine_computes_every_pixel():
    assert len(compute.seconds(SMALL, 2)) == 2


def test_c_computes_the_same_counts_where_there_is_a_compiler():
    found = by_c(SMALL, 2)
    assert (found is None) == (shutil.which("gcc") is None)
    if found is not None:
        assert len(found.seconds) == 2
        assert (found.counts == expected_iterations(SMALL)).all()


def test_the_program_without_contexts_has_none():
    assert "context" not in compute.program(SMALL)
    assert compute.program(SMALL).count(".process(") == 16


def test_other_baselines_are_timed():
    assert by_numpy_s(SMALL) >= 0
    assert by_python_s(SMALL) >= 0


def test_a_pixel_that_is_wrong_is_found():
    found = pixels(SMALL)
    compute.check(SMALL, found)
    found[7]["iterations"] += 1
    with pytest.raises(WrongOutputError):
        compute.check(SMALL, found)


@pytest.mark.parametrize("wrong", [lambda p: p[1:], lambda p: [*p, p[0]]])
def test_a_pixel_that_is_missing_or_comes_twice_is_found(wrong):
    with pytest.raises(WrongOutputError, match="exactly once"):
        compute.check(SMALL, wrong(pixels(SMALL)))


def packet(topic, payload):
    body = len(topic).to_bytes(2, "big") + topic + payload
    length = bytes((len(body) % 128 | 128, len(body) // 128))
    return b"\x30" + length + body


def test_payloads_are_read_from_packets():
    sent = [b"x" * 200, b"y" * 300]
    received = (
        b"".join(packet(b"a/b", each) for each in sent) + packet(b"a", b"z" * 200)[:50]
    )
    assert list(payloads(received)) == sent


def test_pixels_can_go_many_in_a_message():
    spec = group_spec(SMALL, 4, MqttSink("127.0.0.1", 1883))
    messages._send_in_batches(spec, 500)
    for pipeline in spec["pipelines"]:
        assert pipeline["source"].count(", batch: 500)") == 4


def test_the_subscriber_counts_rows_until_all_are_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as broker:
        port = broker.getsockname()[1]
        broker.settimeout(30)
        command = [sys.executable, str(messages.SUBSCRIBER)]
        path = tmp_path / "packets"
        with subprocess.Popen(
            [*command, str(port), "pixels", "3", str(path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as counter:
            link, _ = broker.accept()
            with link:
                link.recv(100)
                link.sendall(b"\x20\x02\x00\x00")
                link.recv(100)
                link.sendall(b"\x90\x03\x00\x01\x00")
                assert counter.stdout.readline() == "ready\n"
                row = b'{"iterations":7}'.ljust(150)
                sent = packet(b"pixels", row) * 3
                for at in range(0, len(sent), 40):
                    link.sendall(sent[at : at + 40])
                assert float(counter.communicate(timeout=30)[0]) > 0
    assert counter.returncode == 0
    assert list(payloads(path.read_bytes())) == [row] * 3
