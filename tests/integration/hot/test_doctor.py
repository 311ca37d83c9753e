"""`varpulis doctor` beside a real coordinator."""

import os
import subprocess

import pytest

from tests.integration.hot.coordinator_process import VARPULIS

pytestmark = pytest.mark.process


def test_it_asks_a_running_coordinator(coordinator, worker):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VARPULIS_")}
    told = subprocess.run(
        [
            VARPULIS, "doctor", "--url", coordinator.url, "--key", coordinator.key,
            "--port", str(coordinator.port), "--state-dir", coordinator.state,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=kept,
    )  # fmt: skip
    lines = [line.split("\t") for line in told.stdout.splitlines()]
    found = {(level, subject) for level, subject, *_ in lines}
    assert ("ok", "coordinator") in found, told
    assert ("ok", "workers") in found
    assert ("ok", "metrics") in found
    assert ("ok", "state") in found
    assert told.returncode == 0, told.stdout
