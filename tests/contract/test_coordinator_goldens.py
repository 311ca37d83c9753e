"""The coordinator's side of the wire between coordinator and worker."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from cluster.api.body import find_unknown
from cluster.api.serializers.workers import HeartbeatInput, RegistrationInput
from cluster.services.reconciliation import parse_reported
from cluster.worker_client import DeployAnswer, DeployRequest

GOLDEN = Path(__file__).parent / "golden"
GROUP = UUID("f2b1d7a0-93b7-4f0e-8d27-0c6f4f2f8a55")


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "serializer_class"),
    [
        ("register_request", RegistrationInput),
        ("heartbeat_request", HeartbeatInput),
    ],
)
def test_every_member_a_worker_sends_is_read(name: str, serializer_class: Any) -> None:
    serializer = serializer_class(data=golden(name))
    assert serializer.is_valid(), serializer.errors
    assert list(find_unknown(serializer, golden(name), "")) == []


@pytest.mark.parametrize("name", ["register_request", "heartbeat_request"])
def test_reported_pipelines_are_understood(name: str) -> None:
    (found,) = parse_reported(golden(name)["pipelines"])
    sent = golden(name)["pipelines"][0]
    assert found.slot == (GROUP, "intake", 0)
    assert found.pipeline_id == sent["id"]
    assert found.generation == 3
    assert found.fingerprint == sent["fingerprint"]
    assert found.cluster_id == "c41e"


def test_deploys_are_sent_as_the_golden_says() -> None:
    wanted = golden("deploy_request")
    request = DeployRequest(
        pipeline_id=wanted["id"],
        name="intake",
        source=wanted["source"],
        group_id=GROUP,
        replica=0,
        generation=3,
        cluster_id="c41e",
    )
    assert request.to_json() == wanted


def test_the_answer_to_a_deploy_is_understood() -> None:
    sent = golden("deploy_answer")
    found = msgspec.convert(sent, DeployAnswer)
    assert (found.id, found.name) == (sent["id"], "intake")
    assert found.fingerprint == sent["fingerprint"]
