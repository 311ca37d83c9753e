"""Two coordinators are one: what one does the other knows, and either may die."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from cluster.demo.errors import DemoError
from tests.acceptance.real_commands import until
from tests.acceptance.replicated_cluster import (
    API_KEY,
    ReplicatedCluster,
    replicated_cluster,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


@pytest.fixture
def cluster(tmp_path) -> Iterator[ReplicatedCluster]:
    with replicated_cluster(tmp_path) as running:
        yield running


def spec(name: str, worker: str | None = None) -> dict[str, Any]:
    pipeline = {"name": "p", "source": f'stream S = {name} .emit(from: "{name}")'}
    if worker is not None:
        pipeline["worker_affinity"] = worker
    route = {"from_pipeline": "_external", "to_pipeline": "p", "event_types": [name]}
    return {"name": name, "pipelines": [pipeline], "routes": [route]}


def outputs(cluster: ReplicatedCluster, replica: int, group: dict[str, Any]) -> Any:
    """Return what an event comes to, None while it is refused."""
    event = {"event_type": group["name"], "fields": {}}
    with cluster.client(replica) as client:
        try:
            reply = json.loads(client.inject(group["id"], event))
        except DemoError:
            return None
    return reply["worker_id"], reply["worker_response"]["output_events"]


def answer(worker: str, group: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    return worker, [{"event_type": "S", "from": group["name"]}]


def test_what_one_coordinator_does_the_other_shows_and_serves(cluster):
    url = cluster.url(1).replace("http", "ws") + "/ws/topology/"
    with connect(url, additional_headers={"X-API-Key": API_KEY}) as page:
        json.loads(page.recv(timeout=30))
        with cluster.client(0) as client:
            group = client.deploy(spec("One", "worker-1"))
        until(
            lambda: group["id"] in str(page.recv(timeout=30)), "the group on the page"
        )
    for replica in (0, 1):
        until(
            lambda r=replica: outputs(cluster, r, group) == answer("worker-1", group),
            "an answer by either coordinator",
        )
    with cluster.client(1) as client:
        client.tear_down(group["id"])
    until(lambda: outputs(cluster, 0, group) is None, "the end of the group")


def test_celery_moves_the_work_of_a_killed_worker(cluster):
    with cluster.client(0) as client:
        group = client.deploy(spec("Moved", "worker-1"))
    cluster.kill("worker-1")
    for replica in (0, 1):
        until(
            lambda r=replica: outputs(cluster, r, group) == answer("worker-0", group),
            "an answer of the worker that is left",
        )
        assert cluster.ready(replica) == {"worker-0"}
    assert "every pipeline runs" in cluster.log("celery")


def test_a_killed_coordinator_leaves_the_other_in_charge(cluster):
    with cluster.client(0) as client:
        group = client.deploy(spec("Kept"))
    cluster.kill("coordinator-0")
    until(lambda: cluster.ready(1) == {"worker-0", "worker-1"}, "both workers there")
    assert outputs(cluster, 1, group) == answer("worker-0", group)
    with cluster.client(1) as client:
        later = client.deploy(spec("Later", "worker-1"))
    assert outputs(cluster, 1, later) == answer("worker-1", later)
    cluster.kill("worker-0")
    until(
        lambda: outputs(cluster, 1, group) == answer("worker-1", group),
        "an answer of the worker that is left",
    )
