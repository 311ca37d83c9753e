"""What the page shows, and what leads from one state of it to the next."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.realtime.reader import load_view
from cluster.realtime.view import TopologyView, find_changes
from cluster.services.groups import deploy_group
from cluster.testing import make_spec
from cluster.topology_view import TopologyCache

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def view(**workers: dict[str, Any]) -> TopologyView:
    return TopologyView(
        worker=workers,  # type: ignore[arg-type] # entries are compared, not read
        last_heartbeats=dict.fromkeys(workers, NOW),
    )


def test_equal_views_have_no_changes() -> None:
    assert find_changes(view(a={"status": "ready"}), view(a={"status": "ready"})) == []


def test_a_heartbeat_alone_is_no_change() -> None:
    later = TopologyView(last_heartbeats={"a": NOW + timedelta(seconds=5)})
    assert find_changes(TopologyView(last_heartbeats={"a": NOW}), later) == []


def test_only_the_members_that_changed_are_told() -> None:
    old = view(a={"status": "ready", "address": "x"})
    new = view(a={"status": "unhealthy", "address": "x"})
    assert find_changes(old, new) == [
        {"op": "set", "kind": "worker", "id": "a", "value": {"status": "unhealthy"}}
    ]


def test_new_entries_come_whole_and_old_ones_are_removed() -> None:
    changes = find_changes(view(a={"status": "ready"}), view(b={"status": "ready"}))
    assert changes == [
        {"op": "remove", "kind": "worker", "id": "a"},
        {"op": "set", "kind": "worker", "id": "b", "value": {"status": "ready"}},
    ]


def test_a_worker_that_joins_may_set_a_member_to_null() -> None:
    changes = find_changes(view(), view(a={"status_reason": None}))
    assert changes[0]["value"] == {"status_reason": None}


@pytest.fixture
def cluster(join: Any, workers: Any, background: Any, clock: Any) -> Any:
    join("worker-2", port=9002)
    join("worker-10", port=9010)
    routes = [("_external", "a", ("E*",)), ("a", "b", ("S",))]
    spec = make_spec("parcels", pipelines=["a", "b"], routes=routes)
    return deploy_group(spec=spec, requested_by="test", clock=clock)


@pytest.mark.django_db(transaction=True)
def test_the_groups_are_those_of_the_api(cluster: Any) -> None:
    shown = load_view().topology(NOW)["groups"]
    bare = [
        {key: value for key, value in node.items() if key != "status"} for node in shown
    ]
    assert bare == json.loads(TopologyCache().get().json)["groups"]


@pytest.mark.django_db(transaction=True)
def test_workers_stand_in_natural_order(cluster: Any) -> None:
    assert list(load_view().worker) == ["worker-2", "worker-10"]


@pytest.mark.django_db(transaction=True)
def test_links_know_both_ends(cluster: Any) -> None:
    links = list(load_view().link.values())
    assert [(link["from"], link["to"]) for link in links] == [
        ("_external", "a"),
        ("a", "b"),
    ]
    assert links[1]["source_worker"] == "worker-2"
    assert links[1]["target_worker"] == "worker-10"


@pytest.mark.django_db(transaction=True)
def test_a_group_without_routes_has_the_default_one(
    join: Any, workers: Any, background: Any, clock: Any
) -> None:
    join("w")
    deploy_group(spec=make_spec(pipelines=["a"]), requested_by="test", clock=clock)
    (link,) = load_view().link.values()
    assert (link["default"], link["to"], link["target_worker"]) == (True, "a", "w")


@pytest.mark.django_db(transaction=True)
def test_the_number_of_queries_does_not_grow(
    cluster: Any, join: Any, clock: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        load_view()
    for number in range(3, 9):
        join(f"worker-{number}", port=9100 + number)
    for name in ("one", "two", "three"):
        spec = make_spec(name, pipelines=["a", "b", "c"])
        deploy_group(spec=spec, requested_by="test", clock=clock)
    with django_assert_num_queries(4):
        load_view()


@pytest.mark.django_db(transaction=True)
def test_the_summary_counts(cluster: Any) -> None:
    assert load_view().summary(12.34) == {
        "workers_ready": 2,
        "workers_total": 2,
        "groups_running": 1,
        "groups_total": 1,
        "pipelines_running": 2,
        "pipelines_total": 2,
        "events_per_second": 12.3,
    }
