"""Reading what was touched gives what reading everything gives."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.models import PipelineGroup, Placement, Worker
from cluster.notices import Notices, Touched
from cluster.realtime.reader import TopologyReader, load_view
from cluster.services import notify
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.health import mark_stale_workers
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.topology import load_version
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """Reads as the feed does: what the notices say, and all if they do not."""

    def __init__(self) -> None:
        self.notices = Notices()
        self.reader = TopologyReader()
        self.view = self.reader.read()
        self.notices.settle(load_version().version)
        self.partial = 0

    def hear(self, change: notify.Change) -> None:
        if isinstance(change, notify.TopologyChanged):
            self.notices.take(change)

    def follow(self) -> None:
        version = load_version().version
        touched = self.notices.touched(version)
        self.partial += touched is not None
        self.view = self.reader.read(touched)
        self.notices.settle(version)


def shown(view: Any) -> Any:
    """Return everything with its order, which dictionaries compare without."""
    kinds = ("worker", "group", "placement", "link")
    return [list(view.entries(kind).items()) for kind in kinds], view.last_heartbeats


@pytest.fixture
def follower(join: Any, workers: FakeWorkers, background: Any) -> Iterator[Follower]:
    join("worker-2", port=9002)
    join("worker-10", port=9010)
    found = Follower()
    unsubscribe = notify.subscribe(found.hear)
    yield found
    unsubscribe()


@pytest.fixture
def deploy(clock: ManualClock) -> Callable[..., PipelineGroup]:
    def run(name: str, *pipelines: Any, routes: Any = ()) -> PipelineGroup:
        clock.advance(1)
        spec = make_spec(name, pipelines=list(pipelines), routes=routes)
        return deploy_group(spec=spec, requested_by="test", clock=clock)

    return run


def check(follower: Follower, partial: int) -> None:
    follower.follow()
    assert follower.partial == partial, "the notices did not suffice"
    assert shown(follower.view) == shown(load_view())


def test_a_day_of_a_cluster_is_followed(
    follower: Follower, deploy: Any, join: Any, clock: ManualClock, background: Any
) -> None:
    parcels = deploy("parcels", "a", "b", routes=[("_external", "a", ("E*", "F"))])
    check(follower, 1)
    deploy("ovens", "a", ("c", "worker-10"))
    check(follower, 2)
    join("worker-3", port=9003)
    check(follower, 3)
    join("worker-2", port=9020)  # the same worker at another address
    check(follower, 4)
    clock.advance(16)
    record_heartbeats([Heartbeat(worker_id="worker-2")], clock.now)
    mark_stale_workers(now=clock.now)
    check(follower, 5)
    deregister_worker(worker_id="worker-10", now=clock.now)
    check(follower, 6)
    background.run()
    check(follower, 7)
    teardown_group(group=parcels, clock=clock)
    check(follower, 8)
    deploy("parcels", "z")
    teardown_group(group=deploy("short", "y"), clock=clock)
    check(follower, 9)


def test_what_is_not_read_again_stays_the_same_object(
    follower: Follower, deploy: Any, join: Any
) -> None:
    group = deploy("parcels", "a", "b")
    follower.follow()
    before = follower.view
    join("worker-3", port=9003)
    follower.follow()
    after = follower.view
    assert after.group[str(group.pk)] is before.group[str(group.pk)]
    for kind in ("worker", "placement", "link"):
        for key, entry in before.entries(kind).items():
            assert after.entries(kind)[key] is entry


def test_nothing_but_what_was_touched_is_read(
    follower: Follower, deploy: Any, django_assert_num_queries: Any
) -> None:
    group = deploy("parcels", "a", "b")
    follower.follow()
    Placement.objects.update(status="Failed")
    Worker.objects.update(status="unhealthy")
    with django_assert_num_queries(1):
        view = follower.reader.read(Touched(frozenset({"worker-2"}), frozenset()))
    assert [node["status"] for node in view.worker.values()] == ["unhealthy", "ready"]
    assert {node["status"] for node in view.placement.values()} == {"Running"}
    with django_assert_num_queries(4):
        view = follower.reader.read(Touched(frozenset(), frozenset({str(group.pk)})))
    assert {node["status"] for node in view.worker.values()} == {"unhealthy"}
    assert {node["status"] for node in view.placement.values()} == {"Failed"}


def test_why_a_placement_failed_is_shown(follower: Follower, deploy: Any) -> None:
    deploy("parcels", "a")
    error = {"code": "worker_error", "error": 'it said "no"'}
    Placement.objects.update(status="Failed", error=error)
    (node,) = load_view().placement.values()
    assert node["error"] == 'it said "no"'
