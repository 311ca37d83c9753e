"""Part 9 of the tutorial, by its script."""

import json

import pytest

from tests.acceptance.real_commands import EXAMPLES, finished, ports_in_a_row

pytestmark = pytest.mark.process


def test_each_sensor_alerts_on_its_own_worker() -> None:
    first = ports_in_a_row(3)
    ports = {"COORDINATOR_PORT": str(first), "WORKER_PORT": str(first + 1)}
    done = finished([EXAMPLES / "iot" / "run.sh", "--once"], **ports)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [
        json.loads(x[2:]) for x in done.stdout.splitlines() if x.startswith("< ")
    ]
    assert answers[0] == {
        "routed_to": "temp-alerts",
        "worker_id": "temp-worker",
        "worker_response": {
            "accepted": True,
            "output_events": [
                {
                    "event_type": "TempAlerts",
                    "alert_type": "HIGH_TEMP",
                    "sensor_id": "T1",
                    "temperature": 105.5,
                }
            ],
        },
    }
    assert answers[1] == {
        "routed_to": "pressure-alerts",
        "worker_id": "pressure-worker",
        "worker_response": {
            "accepted": True,
            "output_events": [
                {
                    "event_type": "PressureAlerts",
                    "alert_type": "HIGH_PRESSURE",
                    "sensor_id": "P1",
                    "pressure": 250.0,
                }
            ],
        },
    }
    assert [a["worker_response"] for a in answers[2:]] == [
        {"accepted": True, "output_events": []}
    ] * 3
    topology = json.loads(done.stdout.split("4. the topology\n", 1)[1])
    homes = {p["name"]: p["worker_id"] for p in topology["groups"][0]["pipelines"]}
    assert homes == {"temp-alerts": "temp-worker", "pressure-alerts": "pressure-worker"}
