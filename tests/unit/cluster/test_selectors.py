"""The routing snapshot of the hot path."""

from typing import Any

import pytest

from cluster.models import Worker
from cluster.routing_reader import load_routing_snapshot
from cluster.secrets import matches_hash
from cluster.selectors import load_candidates
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.topology import load_cluster_state
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(join: Any, workers: FakeWorkers, clock: ManualClock) -> Any:
    join("w", api_key="key")
    routes = [("_external", "b", ("B*", "C"))]
    spec = make_spec(pipelines=["b", "a"], routes=routes, default_route="reject")
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def test_an_empty_cluster_is_a_snapshot_too() -> None:
    snapshot = load_routing_snapshot()
    assert snapshot.cluster_id == str(load_cluster_state().cluster_id)
    assert not snapshot.groups
    assert not snapshot.workers


def test_a_group_has_all_that_routing_needs(group: Any) -> None:
    snapshot = load_routing_snapshot()
    found = snapshot.groups[group.pk]
    assert (found.name, found.status, found.default_route) == (
        "group",
        "running",
        "reject",
    )
    assert found.pipelines == ("b", "a")
    assert found.routes[0].event_types == ("B*", "C")
    place = found.placements["a"]
    row = group.placements.get(pipeline_name="a")
    assert (place.worker_id, place.address) == ("w", "http://127.0.0.1:9000")
    assert (place.pinned_host, place.api_key) == ("127.0.0.1", "key")
    assert (place.pipeline_id, place.generation) == (row.pipeline_id, 1)
    assert place.reachable
    assert place.worker_status == "ready"


def test_keys_do_not_show_when_a_snapshot_is_printed(group: Any) -> None:
    assert "'key'" not in repr(load_routing_snapshot())


def test_a_worker_has_all_that_a_heartbeat_needs(group: Any, clock: Any) -> None:
    deregister_worker(worker_id="w", pipelines="leave", now=clock.now)
    known = load_routing_snapshot().workers["w"]
    assert matches_hash("key", known.key_hash)
    assert known.deregistered
    assert known.keeps_pipelines


def test_names_can_be_ambiguous(group: Any, clock: ManualClock) -> None:
    assert not load_routing_snapshot().is_ambiguous("group")
    deploy_group(spec=make_spec("group"), requested_by="test", clock=clock)
    assert load_routing_snapshot().is_ambiguous("group")


def test_a_torn_down_group_is_remembered_by_its_id(group: Any, clock: Any) -> None:
    teardown_group(group=group, clock=clock)
    snapshot = load_routing_snapshot()
    assert not snapshot.groups
    assert not snapshot.group_ids_by_name
    assert snapshot.torn_down == {group.pk}


def test_a_key_of_another_secret_breaks_only_its_worker(
    group: Any, settings: Any
) -> None:
    settings.SECRET_KEY = "rotated without a fallback"
    settings.SECRET_KEY_FALLBACKS = []
    place = load_routing_snapshot().groups[group.pk].placements["a"]
    assert place.api_key == ""


def test_the_number_of_queries_does_not_grow(
    group: Any, clock: ManualClock, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(5):
        load_routing_snapshot()
    for number in range(4):
        spec = make_spec(f"g{number}", pipelines=["p", "q"])
        deploy_group(spec=spec, requested_by="test", clock=clock)
    with django_assert_num_queries(5):
        load_routing_snapshot()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "unhealthy"}, "unhealthy"),
        ({"status": "busy"}, "busy"),
        ({"status": "draining"}, "draining"),
        ({"reachable": False}, "not reachable"),
        ({"cordoned": True}, "cordoned"),
    ],
)
def test_only_workers_in_order_take_placements(
    join: Any, changes: dict[str, Any], why: str
) -> None:
    join("a", port=9000)
    join("b", port=9001)
    Worker.objects.filter(pk="a").update(**changes)
    candidates, unavailable = load_candidates()
    assert [item.worker_id for item in candidates] == ["b"]
    assert unavailable == {"a": why}
