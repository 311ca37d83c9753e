"""The worker's side of the wire between coordinator and worker."""

import json
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from engine import PipelineMetrics
from engine.connectors.base import ConnectorSpec
from engine.worker.connector_use import connector_uses
from engine.worker.deployment import Deployment
from engine.worker.envelope import Envelope
from engine.worker.handlers.pipelines import check_deployment
from engine.worker.host import Totals
from engine.worker.identity import Identity
from engine.worker.payloads import decode_event
from engine.worker.reports import heartbeat_body, register_body
from engine.worker.requests import convert, decode_object

GOLDEN = Path(__file__).parent / "golden"
FINGERPRINT = "b3:5f0c11aa22bb33cc"


def golden(name: str):
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.fixture
def identity():
    return Identity(
        worker_id="depot-7",
        address="http://127.0.0.1:9000",
        api_key="k-depot",
        instance_id="0b0f6a9e-5a53-4c5e-8d0e-6c4c6a1f7f10",
        hostname="depot-7.example.net",
        labels={"zone": "north"},
        cpu_cores=8,
        max_pipelines=40,
        version="0.1.0",
    )


@pytest.fixture
def hosted():
    """A pipeline with the figures of the golden heartbeat."""
    deployment = msgspec.convert(golden("deploy_request"), Deployment)
    spec = ConnectorSpec("Pages", "mqtt", {}, "intake")
    sink = SimpleNamespace(connected=True, status=lambda: {"sent": 1201})
    metrics = PipelineMetrics(events_in=90412, events_out=1201)
    return SimpleNamespace(
        id=deployment.id,
        name=deployment.name,
        deployment=deployment,
        pipeline=SimpleNamespace(fingerprint=FINGERPRINT, metrics=lambda: metrics),
        connectors=lambda: connector_uses((), [(spec, sink)]),
        queue_depth=14,
        queue_limit=10_000,
    )


def test_register_sends_what_the_golden_says(identity, hosted):
    load = {"cpu_percent": 4.0, "memory_bytes": 88080384, "load_1m": 0.3}
    assert register_body(identity, [hosted], load) == golden("register_request")


def test_heartbeat_sends_what_the_golden_says(identity, hosted):
    body = heartbeat_body(
        identity,
        [hosted],
        Totals(pipelines=1, streams=1, events_in=90412, events_out=1201),
        load={"cpu_percent": 37.5, "memory_bytes": 193986560, "load_1m": 1.9},
        uptime_s=812.4,
        stopping=False,
    )
    assert body == golden("heartbeat_request")


def test_a_pipeline_put_there_by_hand_reports_no_group(identity, hosted):
    hosted.deployment = Deployment(name="own", source="")
    (report,) = register_body(identity, [hosted], {})["pipelines"]
    assert "group_id" not in report
    assert "cluster_id" not in report


def test_the_deploy_request_is_understood_without_warnings():
    deployment, warnings = convert(golden("deploy_request"), Deployment, strict=True)
    check_deployment(deployment)
    assert warnings == []
    assert deployment.placement == (deployment.group_id, "intake", 0)


def test_the_event_request_is_understood():
    raw = (GOLDEN / "event_request.json").read_bytes()
    event, envelope = decode_event(raw)
    assert envelope == Envelope(event_id=None, family="Scan")
    assert event.event_type == "Scan_dock4"
    assert event.fields == decode_object(raw)["fields"]
    assert event.timestamp == 1772439880001 * 1_000_000
