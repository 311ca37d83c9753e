"""Sources in a worker process: API, metrics, crash and restart."""

import json
import signal

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.integration.mqtt_broker import mqtt_broker, wait_until
from tests.integration.worker.test_server_process import start

__all__ = ["mqtt_broker", "start"]

pytestmark = pytest.mark.process


def program(port):
    return (
        f'connector Plant = mqtt (host: "127.0.0.1", port: {port})\n'
        'connector Log = file (path: "hot.jsonl")\n'
        'stream Hot = Boiler.from(Plant, topic: "in/#")\n'
        "    .where(temp > 90)\n"
        "    .emit(unit, temp)\n"
        '    .to(Plant, topic: "out/" + unit)\n'
        "    .to(Log)\n"
    )


@pytest.fixture
def publish(mqtt_broker):
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mqtt_broker.port)
    client.loop_start()

    def send(*bodies, topic="in/b1"):
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            client.publish(topic, text, qos=1).wait_for_publish(20)

    yield send
    client.disconnect()
    client.loop_stop()


def deploy(server, source, name="plant"):
    answer = server.call("POST", "/api/v1/pipelines", {"name": name, "source": source})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def connectors_of(server, pipeline_id):
    shown = server.call("GET", f"/api/v1/pipelines/{pipeline_id}").json()
    return {(c["name"], c["direction"]): c for c in shown["connectors"]}


def is_ready(server):
    return server.call("GET", "/ready").status_code == 200


def test_events_flow_from_topic_to_topic(mqtt_broker, publish, start, tmp_path):
    server = start("--api-key", "test", "--state-dir", str(tmp_path / "state"))
    server.wait_until_up()
    pipeline_id = deploy(server, program(mqtt_broker.port))
    assert wait_until(lambda: is_ready(server)), server.log
    with mqtt_broker.subscriber("out/#") as subscriber:
        publish(
            {"unit": "b1", "temp": 95.5},
            {"unit": "b1", "temp": 20},
            "no event",
            {"event_type": "Boiler", "fields": {"unit": "b2", "temp": 99}},
        )
        (first, second) = subscriber.wait_for(2)
    assert (first[0], json.loads(first[1])["temp"]) == ("out/b1", 95.5)
    assert second[0] == "out/b2"
    lines = (tmp_path / "hot.jsonl").read_text().splitlines()
    assert [json.loads(line)["unit"] for line in lines] == ["b1", "b2"]
    shown = connectors_of(server, pipeline_id)
    assert shown["Plant", "in"]["received"] == 4
    assert shown["Plant", "in"]["rejected"] == 1
    assert shown["Plant", "in"]["connected"] is True
    assert set(shown) == {("Plant", "in"), ("Plant", "out"), ("Log", "out")}
    metrics = server.call("GET", "/metrics").text
    label = 'pipeline="plant",connector="Plant"'
    assert f"varpulis_source_received_total{{{label}}} 4" in metrics
    assert f"varpulis_source_rejected_total{{{label}}} 1" in metrics
    (letters,) = (tmp_path / "state").rglob("plant.dlq.jsonl")
    assert json.loads(letters.read_text())["event"] == "no event"
    assert server.end() == 0


def test_nothing_is_lost_when_a_worker_is_killed(mqtt_broker, publish, start, tmp_path):
    options = ("--api-key", "test", "--worker-id", "w1", "--state-dir", str(tmp_path))
    first = start(*options)
    first.wait_until_up()
    deploy(first, program(mqtt_broker.port))
    assert wait_until(lambda: is_ready(first)), first.log
    publish({"unit": "b0", "temp": 95})
    log = tmp_path / "hot.jsonl"
    assert wait_until(lambda: log.exists() and log.read_text().count("\n") == 1)
    first.end(signal.SIGKILL)
    publish(*({"unit": f"b{n}", "temp": 95} for n in range(1, 6)))
    second = start(*options)
    second.wait_until_up()
    assert wait_until(lambda: log.read_text().count("\n") >= 6), second.log
    units = [json.loads(line)["unit"] for line in log.read_text().splitlines()]
    assert sorted(set(units)) == [f"b{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("connector", "message"),
    [
        ('file (path: "../up.jsonl")', "is not below the working directory"),
        ('http (url: "http://169.254.169.254/x")', "is not allowed for connectors"),
    ],
)
def test_what_a_worker_does_not_allow_is_an_error_at_deploy(start, connector, message):
    server = start("--api-key", "test")
    server.wait_until_up()
    source = f"connector C = {connector}\nstream S = A.emit().to(C)"
    answer = server.call("POST", "/api/v1/pipelines", {"name": "p", "source": source})
    assert answer.status_code == 400
    (finding,) = answer.json()["details"]["diagnostics"]
    assert (finding["code"], finding["line"]) == ("E035", 2)
    assert message in finding["message"]


def test_networks_and_workdir_are_the_operators_to_choose(start, tmp_path):
    (tmp_path / "inner").mkdir()
    server = start(
        "--api-key", "test", "--workdir", "inner", "--connector-networks", "10.0.0.0/8"
    )
    server.wait_until_up()
    source = 'connector C = http (url: "http://127.0.0.1/")\nstream S = A.emit().to(C)'
    answer = server.call("POST", "/api/v1/pipelines", {"name": "p", "source": source})
    assert "in none of the networks" in answer.text
    deploy(server, "connector F = file ()\nstream S = A.emit().to(F)", "f")
    assert wait_until(lambda: (tmp_path / "inner" / "F.jsonl").exists())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workdir", "nowhere"), "--workdir: no directory"),
        (("--connector-networks", "ten"), "--connector-networks"),
    ],
)
def test_options_that_make_no_sense_are_told(start, options, message):
    server = start(*options)
    assert server.process.wait(20) == 2
    assert message in server.log
