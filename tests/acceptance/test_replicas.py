"""Two coordinators are one: what one does the other knows, and either may die."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from cluster.demo.errors import CallRefusedError, DemoError
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


@contextmanager
def page(cluster: ReplicatedCluster, replica: int) -> Iterator[Iterator[str]]:
    """Give what a coordinator sends to a page, after all it knew at first."""
    url = cluster.url(replica).replace("http", "ws") + "/ws/topology/"
    with connect(url, additional_headers={"X-API-Key": API_KEY}) as socket:
        socket.recv(timeout=30)
        yield (str(socket.recv(timeout=30)) for _ in itertools.count())


def test_what_one_coordinator_does_the_other_shows_and_serves(cluster):
    with page(cluster, 1) as messages, cluster.client(0) as client:
        group = client.deploy(spec("One", "worker-1"))
        until(lambda: group["id"] in next(messages), "the group on the page")
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


def test_without_redis_the_coordinators_do_the_work_themselves(cluster):
    with cluster.client(0) as client:
        group = client.deploy(spec("Own", "worker-1"))
    until(lambda: not cluster.failing(0), "a ready coordinator")
    cluster.redis.kill()
    assert cluster.failing(0) >= {"channel_layer", "broker"}
    cluster.kill("worker-1")
    cluster.start_worker(1)
    for replica in (0, 1):
        until(
            lambda r=replica: outputs(cluster, r, group) == answer("worker-1", group),
            "an answer of the worker that came back",
        )
    cluster.redis.start()
    with page(cluster, 1) as messages, cluster.client(0) as client:
        later = client.deploy(spec("Later"))
        until(lambda: later["id"] in next(messages), "the later group on the page")
    until(lambda: not cluster.failing(1), "a ready coordinator")


def test_without_its_database_a_coordinator_still_routes_events(cluster):
    with cluster.client(0) as client:
        group = client.deploy(spec("Routed", "worker-1"))
    until(lambda: not cluster.failing(1), "a ready coordinator")
    assert outputs(cluster, 1, group) == answer("worker-1", group)
    cluster.postgres.kill()
    assert "database" in cluster.failing(1)
    assert outputs(cluster, 1, group) == answer("worker-1", group)
    with cluster.client(1) as client, pytest.raises(CallRefusedError) as refused:
        client.deploy(spec("Refused"))
    assert refused.value.status == 503
    shown = requests.get(
        f"{cluster.url(1)}/topology/",
        headers={"Accept": "text/html"},
        cookies={"sessionid": "of-somebody"},
        timeout=30,
    )
    assert (shown.status_code, shown.headers["Retry-After"]) == (503, "5")
    assert "the database does not answer" in shown.text
    cluster.postgres.start()
    until(lambda: not cluster.failing(1), "a ready coordinator")
    with cluster.client(1) as client:
        later = client.deploy(spec("Later"))
    assert outputs(cluster, 1, later) is not None
