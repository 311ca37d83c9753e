"""Processes that are killed take nothing with them but themselves."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import CallRefusedError, CoordinatorUnreachableError, DemoError
from cluster.demo.local_cluster import ThrowawayCluster
from tests.acceptance.real_commands import until

pytestmark = pytest.mark.process


@pytest.fixture
def cluster() -> Iterator[ThrowawayCluster]:
    with ThrowawayCluster(2) as running:
        yield running


@pytest.fixture
def client(cluster: ThrowawayCluster) -> Iterator[CoordinatorClient]:
    with closing(cluster.client()) as made:
        yield made


@pytest.fixture
def group(client: CoordinatorClient) -> dict[str, Any]:
    names = ("a", "b")
    return client.deploy({
        "name": "pair",
        "pipelines": [
            {
                "name": name,
                "source": f'stream S = Event_{name} .emit(from: "{name}")',
                "worker_affinity": f"worker-{i}",
            }
            for i, name in enumerate(names)
        ],
        "routes": [
            {
                "from_pipeline": "_external",
                "to_pipeline": name,
                "event_types": [f"Event_{name}"],
            }
            for name in names
        ],
    })


def answer(
    client: CoordinatorClient, group: dict[str, Any], name: str
) -> dict[str, Any]:
    event = {"event_type": f"Event_{name}", "fields": {}}
    found: dict[str, Any] = json.loads(client.inject(group["id"], event))
    return found


def answered(name: str, worker: str) -> dict[str, Any]:
    outputs = [{"event_type": "S", "from": name}]
    reply = {"accepted": True, "output_events": outputs}
    return {"routed_to": name, "worker_id": worker, "worker_response": reply}


def test_a_killed_worker_loses_no_other_workers_pipelines(
    cluster: ThrowawayCluster, client: CoordinatorClient, group: dict[str, Any]
) -> None:
    assert answer(client, group, "b") == answered("b", "worker-1")
    os.kill(cluster.children[2].pid, signal.SIGKILL)
    until(lambda: not cluster.children[2].alive, "the end of worker-1")
    with pytest.raises(CallRefusedError) as refused:
        answer(client, group, "b")
    assert refused.value.status in {502, 503}
    assert answer(client, group, "a") == answered("a", "worker-0")


def test_a_restarted_worker_gets_its_pipelines_back(
    cluster: ThrowawayCluster, client: CoordinatorClient, group: dict[str, Any]
) -> None:
    cluster.children[2].stop()
    cluster.restart(2)
    until(lambda: _answers(client, group, "b"), "an answer of pipeline b")


def test_a_killed_coordinator_loses_no_group(
    cluster: ThrowawayCluster, client: CoordinatorClient, group: dict[str, Any]
) -> None:
    os.kill(cluster.children[0].pid, signal.SIGKILL)
    until(lambda: not cluster.children[0].alive, "the end of the coordinator")
    with pytest.raises(CoordinatorUnreachableError):
        client.health()
    cluster.restart(0)
    for name, worker in (("a", "worker-0"), ("b", "worker-1")):
        until(lambda name=name: _answers(client, group, name), f"an answer of {name}")
        assert answer(client, group, name) == answered(name, worker)
    after = client.group(group["id"])
    assert after["placements"] == group["placements"]


def _answers(client: CoordinatorClient, group: dict[str, Any], name: str) -> bool:
    try:
        return answer(client, group, name)["routed_to"] == name
    except DemoError:
        return False
