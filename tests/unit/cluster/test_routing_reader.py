"""A snapshot that follows changes is the one that is read anew."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.models import Placement
from cluster.routing_reader import RoutingReader, load_routing_snapshot
from cluster.services import notify
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.health import mark_stale_workers
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.retention import tidy_up
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(join: Any, workers: FakeWorkers, background: Any) -> Iterator[RoutingReader]:
    join("one", port=9001)
    join("two", port=9002)
    found = RoutingReader()
    found.read()

    def hear(change: notify.Change) -> None:
        if isinstance(change, notify.TopologyChanged):
            found.hear(change)

    leave = notify.subscribe(hear)
    yield found
    leave()


@pytest.fixture
def deploy(clock: ManualClock) -> Any:
    def run(name: str, *pipelines: Any, routes: Any = ()) -> Any:
        clock.advance(1)
        spec = make_spec(name, pipelines=list(pipelines), routes=routes)
        return deploy_group(spec=spec, requested_by="test", clock=clock)

    return run


def test_a_day_of_a_cluster_is_followed(
    reader: RoutingReader,
    deploy: Any,
    join: Any,
    clock: ManualClock,
    background: Any,
    commits: Any,
) -> None:
    routes = [("_external", "a", ("E*", "F")), ("a", "b", ("X",))]
    parcels = deploy("parcels", "a", "b", routes=routes)
    assert reader.read() == load_routing_snapshot()
    deploy("ovens", "a", ("c", "two"))
    assert reader.read() == load_routing_snapshot()
    join("three", port=9003)
    assert reader.read() == load_routing_snapshot()
    join("one", port=9020)  # at another address
    assert reader.read() == load_routing_snapshot()
    join("one", port=9020, api_key="another")
    assert reader.read() == load_routing_snapshot()
    clock.advance(16)
    record_heartbeats([Heartbeat(worker_id="one")], clock.now)
    mark_stale_workers(now=clock.now)
    assert reader.read() == load_routing_snapshot()
    deregister_worker(worker_id="two", now=clock.now)
    background.run()
    assert reader.read() == load_routing_snapshot()
    teardown_group(group=parcels, clock=clock)
    deploy("parcels", "z")
    assert reader.read() == load_routing_snapshot()
    assert parcels.pk in reader.read().torn_down
    clock.advance(31 * 24 * 3600)
    tidy_up(now=clock.now)
    assert reader.read() == load_routing_snapshot()
    assert not reader.read().torn_down


def test_only_what_was_touched_is_read(
    reader: RoutingReader, deploy: Any, join: Any, django_assert_num_queries: Any
) -> None:
    group = deploy("parcels", "a", "b")
    before = reader.read()
    Placement.objects.update(worker="one")
    join("three", port=9003)
    with django_assert_num_queries(2):
        after = reader.read()
    assert after.groups[group.pk] is before.groups[group.pk]
    assert after.workers["one"] is before.workers["one"]
    assert set(after.workers) == {"one", "two", "three"}


def test_a_change_that_was_not_heard_is_found_all_the_same(
    reader: RoutingReader, deploy: Any, join: Any
) -> None:
    deaf = RoutingReader()
    deaf.read()
    deploy("parcels", "a", "b")
    join("one", port=9020)
    assert deaf.read() == load_routing_snapshot()
