"""A topology that follows changes is the one that is read anew."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from cluster.models import Placement, Worker
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.health import mark_stale_workers
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.notify import TopologyChanged
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec
from cluster.topology_view import TopologyCache, TopologyDocument

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cache(join: Any, workers: FakeWorkers, background: Any) -> Iterator[TopologyCache]:
    join("worker-2", port=9002)
    join("worker-10", port=9010)
    found = TopologyCache()
    found.get()
    leave = found.follow()
    yield found
    leave()


@pytest.fixture
def deploy(clock: ManualClock) -> Any:
    def run(name: str, *pipelines: Any, routes: Any = ()) -> Any:
        clock.advance(1)
        spec = make_spec(name, pipelines=list(pipelines), routes=routes)
        return deploy_group(spec=spec, requested_by="test", clock=clock)

    return run


def fresh() -> TopologyDocument:
    return TopologyCache().get()


def test_a_day_of_a_cluster_is_followed(
    cache: TopologyCache, deploy: Any, join: Any, clock: ManualClock, background: Any
) -> None:
    routes = [("_external", "a", ("E*", "F")), ("a", "b", ("X",))]
    parcels = deploy("parcels", "a", "b", routes=routes)
    assert cache.get() == fresh()
    deploy("ovens", "a", ("c", "worker-10"))
    assert cache.get() == fresh()
    join("worker-3", port=9003)
    assert cache.get() == fresh()
    join("worker-2", port=9020)  # the same worker at another address
    assert cache.get() == fresh()
    clock.advance(16)
    record_heartbeats([Heartbeat(worker_id="worker-2")], clock.now)
    mark_stale_workers(now=clock.now)
    assert cache.get() == fresh()
    deregister_worker(worker_id="worker-10", now=clock.now)
    background.run()
    assert cache.get() == fresh()
    teardown_group(group=parcels, clock=clock)
    deploy("parcels", "z")
    assert cache.get() == fresh()
    body = msgspec.json.decode(cache.get().json)
    names = [group["group_name"] for group in body["groups"]]
    assert names == ["parcels", "ovens"]
    assert [worker["id"] for worker in body["workers"]] == ["worker-2", "worker-3"]


def test_only_what_was_touched_is_read(
    cache: TopologyCache, deploy: Any, join: Any, django_assert_num_queries: Any
) -> None:
    deploy("parcels", "a", "b")
    cache.get()
    Placement.objects.update(worker="worker-2")
    join("worker-3", port=9003)
    with django_assert_num_queries(2):
        body = msgspec.json.decode(cache.get().json)
    assert len(body["workers"]) == 3
    homes = [place["worker_id"] for place in body["groups"][0]["pipelines"]]
    assert homes == ["worker-2", "worker-10"], "read without need"


def test_a_change_that_was_not_heard_is_found_all_the_same(
    cache: TopologyCache, deploy: Any, join: Any
) -> None:
    deploy("parcels", "a")
    unheard = TopologyCache()  # as in another process
    before = unheard.get()
    join("worker-3", port=9003)
    unheard.hear(TopologyChanged(10_000, frozenset({"nobody"}), frozenset()))
    assert unheard.get() == fresh() != before


def test_after_a_failed_reading_all_is_read(
    cache: TopologyCache, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the database is away")

    join("worker-3", port=9003)
    with monkeypatch.context() as patched:
        patched.setattr(cache._parts, "read_again", fail)
        with pytest.raises(RuntimeError):
            cache.get()
    Worker.objects.filter(pk="worker-2").update(status="busy")
    assert cache.get() == fresh()
