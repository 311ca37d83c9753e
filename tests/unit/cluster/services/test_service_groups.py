"""Deploying and tearing down groups (api.md 6.4)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cluster.exceptions import (
    ClusterError,
    ConflictError,
    InvalidProgramError,
    InvalidSpecError,
    NoWorkersAvailableError,
    WorkerRefusedError,
)
from cluster.group_spec import GroupSpec, PipelineSpec
from cluster.models import ClusterEvent, PipelineGroup, Placement, Worker
from cluster.selectors import get_group
from cluster.services import notify
from cluster.services.groups import deploy_group, teardown_group
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db


def deploy(spec: GroupSpec, clock: ManualClock) -> PipelineGroup:
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def placed(group: PipelineGroup) -> list[tuple[str, str | None, str]]:
    return [(p.pipeline_name, p.worker_id, p.status) for p in group.placements.all()]


@pytest.fixture(autouse=True)
def two_workers(join: Any, workers: FakeWorkers) -> FakeWorkers:
    join("worker-0", port=9000)
    join("worker-1", port=9001)
    return workers


def test_it_deploys_every_pipeline_and_records_where(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    group = deploy(make_spec(pipelines=[("a", "worker-1"), "b"]), clock)
    assert group.status == "running"
    assert placed(group) == [("a", "worker-1", "Running"), ("b", "worker-0", "Running")]
    for place in group.placements.all():
        request = workers[place.worker_id or ""].pipelines[place.pipeline_id]
        assert (request.name, request.group_id) == (place.pipeline_name, group.pk)
        assert request.generation == place.generation == 1


def test_it_deals_four_pipelines_as_in_the_tutorial(clock: ManualClock) -> None:
    group = deploy(make_spec(pipelines=["p1", "p2", "p3", "p4"]), clock)
    homes = [place.worker_id for place in group.placements.all()]
    assert homes == ["worker-0", "worker-1", "worker-0", "worker-1"]


def test_it_warns_of_an_absent_wanted_worker(clock: ManualClock) -> None:
    group = deploy(make_spec(pipelines=[("a", "gone")]), clock)
    assert placed(group) == [("a", "worker-0", "Running")]
    assert "gone" in group.warnings[0]


def test_it_keeps_routes_in_order(clock: ManualClock) -> None:
    routes = [("_external", "a", ("A*",)), ("a", "b", ("X",))]
    group = deploy(make_spec(pipelines=["a", "b"], routes=routes), clock)
    kept = [(r.from_pipeline, r.to_pipeline) for r in group.routes.all()]
    assert kept == [("_external", "a"), ("a", "b")]


def test_it_keeps_the_spec_as_a_revision(clock: ManualClock) -> None:
    group = deploy(make_spec(), clock)
    revision = group.revisions.get()
    assert (revision.number, revision.requested_by) == (1, "test")
    assert revision.spec == group.spec


def test_it_refuses_a_spec_before_anything_is_written(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    spec = make_spec(pipelines=["a", "a"], routes=[("_external", "z", ("A*B",))])
    with pytest.raises(InvalidSpecError) as caught:
        deploy(spec, clock)
    paths = [item["path"] for item in caught.value.details["errors"]]
    assert paths == [
        "pipelines[1].name",
        "routes[0].to_pipeline",
        "routes[0].event_types[0]",
    ]
    assert not PipelineGroup.objects.exists()
    assert not [call for call in workers.calls if call[0] == "deploy"]


def test_it_refuses_broken_programs_with_all_findings(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    spec = GroupSpec(
        name="bad",
        pipelines=(
            PipelineSpec("good", "stream S = E .emit(n: 1)"),
            PipelineSpec("broken", "stream S = E .emit(n: 1)\nstream = ="),
        ),
    )
    with pytest.raises(InvalidProgramError) as caught:
        deploy(spec, clock)
    found = caught.value.details["diagnostics"]
    assert (found[0]["pipeline"], found[0]["line"]) == ("broken", 2)
    assert caught.value.error_code == "parse_error"
    assert not PipelineGroup.objects.exists()
    assert not [call for call in workers.calls if call[0] == "deploy"]


def test_it_moves_on_from_a_dead_worker(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    workers["worker-0"].is_dead = True
    group = deploy(make_spec(pipelines=["a"]), clock)
    place = group.placements.get()
    assert (place.worker_id, place.status) == ("worker-1", "Running")
    assert place.generation == 2


def test_it_moves_on_from_a_full_worker(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    workers["worker-0"].max_pipelines = 0
    group = deploy(make_spec(pipelines=["a"]), clock)
    assert group.placements.get().worker_id == "worker-1"


def test_atomic_leaves_nothing_behind(workers: FakeWorkers, clock: ManualClock) -> None:
    deploy(make_spec("first", pipelines=[("a", "worker-0")]), clock)
    workers["worker-1"].refusal = WorkerRefusedError(
        "no", code="invalid_vpl", status=400, details={"worker_id": "worker-1"}
    )
    spec = make_spec("second", pipelines=[("x", "worker-0"), ("y", "worker-1")])
    with pytest.raises(ClusterError) as caught:
        deploy(spec, clock)
    assert (caught.value.error_status, caught.value.error_code) == (400, "invalid_vpl")
    failed = get_group(caught.value.details["group_id"])
    assert failed.status == "failed"
    assert placed(failed) == [("x", "worker-0", "Stopped"), ("y", "worker-1", "Failed")]
    assert workers["worker-0"].names() == ["a"]


def test_not_atomic_keeps_what_started(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    workers["worker-1"].refusal = WorkerRefusedError("no", status=400)
    group = deploy(make_spec(pipelines=["a", "b"], atomic=False), clock)
    assert group.status == "partially_running"
    assert placed(group) == [("a", "worker-0", "Running"), ("b", "worker-1", "Failed")]


def test_not_atomic_with_nothing_started_is_an_error(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    workers["worker-0"].is_dead = workers["worker-1"].is_dead = True
    with pytest.raises(ClusterError) as caught:
        deploy(make_spec(atomic=False), clock)
    assert caught.value.error_code == "worker_unreachable"
    assert PipelineGroup.objects.get().status == "failed"


def test_without_workers_nothing_is_recorded(clock: ManualClock) -> None:
    Worker.objects.update(status="unhealthy")
    with pytest.raises(NoWorkersAvailableError):
        deploy(make_spec(), clock)
    assert not PipelineGroup.objects.exists()


def test_a_group_torn_down_while_it_deploys_leaves_no_copy(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    def tear_down(target: object, request: Any) -> None:
        teardown_group(group=PipelineGroup.objects.get(), clock=clock)

    workers.before_deploy = tear_down
    group = deploy(make_spec(), clock)
    assert group.status == "torn_down"
    assert workers["worker-0"].names() == []
    assert not ClusterEvent.objects.filter(type="group.deployed").exists()


def test_repeated_names_are_allowed_with_a_warning(clock: ManualClock) -> None:
    deploy(make_spec("same"), clock)
    assert "same" in deploy(make_spec("same"), clock).warnings[0]


def test_repeated_names_can_be_forbidden(clock: ManualClock, settings: Any) -> None:
    settings.VARPULIS = settings.VARPULIS | {"UNIQUE_GROUP_NAMES": True}
    deploy(make_spec("same"), clock)
    with pytest.raises(ConflictError) as caught:
        deploy(make_spec("same"), clock)
    assert caught.value.error_code == "group_exists"


def test_a_circle_of_routes_is_a_warning(clock: ManualClock) -> None:
    routes = [("a", "b", ("X",)), ("b", "a", ("Y",))]
    group = deploy(make_spec(pipelines=["a", "b"], routes=routes), clock)
    assert "circle" in group.warnings[0]


def test_teardown_removes_every_copy(workers: FakeWorkers, clock: ManualClock) -> None:
    group = deploy(make_spec(pipelines=["a", "b"]), clock)
    assert teardown_group(group=group, clock=clock) == ()
    assert workers["worker-0"].names() == workers["worker-1"].names() == []
    assert get_group(group.pk).status == "torn_down"
    assert set(Placement.objects.values_list("status", flat=True)) == {"Stopped"}


def test_teardown_twice_is_one_teardown(clock: ManualClock) -> None:
    group = deploy(make_spec(), clock)
    teardown_group(group=group, clock=clock)
    assert teardown_group(group=get_group(group.pk), clock=clock) == ()
    assert ClusterEvent.objects.filter(type="group.torn_down").count() == 1


def test_teardown_tells_what_a_dead_worker_keeps(
    workers: FakeWorkers, clock: ManualClock
) -> None:
    group = deploy(make_spec(pipelines=["a", "b"]), clock)
    workers["worker-1"].is_dead = True
    left = teardown_group(group=group, clock=clock)
    assert [(item.pipeline_name, item.worker_id) for item in left] == [
        ("b", "worker-1")
    ]
    workers["worker-1"].is_dead = False
    assert teardown_group(group=get_group(group.pk), clock=clock) == ()
    assert workers["worker-1"].names() == []


def test_a_key_that_cannot_be_read_any_more_stops_no_teardown(
    workers: FakeWorkers, clock: ManualClock, settings: Any
) -> None:
    group = deploy(make_spec(), clock)
    settings.SECRET_KEY = "another"
    assert teardown_group(group=group, clock=clock) == ()
    assert group.status == "torn_down"
    assert workers.calls[-1] == ("remove", "worker-0")


def test_what_runs_is_counted_before_the_next_report(clock: ManualClock) -> None:
    group = deploy(make_spec(pipelines=[("a", "worker-0")]), clock)
    assert Worker.objects.get(pk="worker-0").pipelines_running == 1
    teardown_group(group=group, clock=clock)
    assert Worker.objects.get(pk="worker-0").pipelines_running == 0


def test_listeners_hear_of_it_after_the_commit(
    clock: ManualClock, commits: Any
) -> None:
    heard: list[notify.Change] = []
    unsubscribe = notify.subscribe(heard.append)
    try:
        with commits():
            group = deploy(make_spec(), clock)
            assert heard == []
    finally:
        unsubscribe()
    changes = [c for c in heard if isinstance(c, notify.TopologyChanged)]
    versions = [change.version for change in changes]
    assert versions == sorted(set(versions))
    assert group.pk in set().union(*(change.group_ids for change in changes))
    events = [c.event["type"] for c in heard if isinstance(c, notify.EventRecorded)]
    assert events == ["pipeline.placed", "group.deployed"]


def test_a_deploy_of_many_asks_little_beyond_one_update_each(
    clock: ManualClock,
) -> None:
    def queries(name: str, count: int) -> int:
        names = [f"p{number}" for number in range(count)]
        with CaptureQueriesContext(connection) as seen:
            spec = make_spec(name, pipelines=names)
            deploy_group(spec=spec, requested_by="test", clock=clock)
        return len(seen)

    few, many = queries("few", 2), queries("many", 42)
    assert many - few == 40
    counts = Worker.objects.order_by("id").values_list("pipelines_running", flat=True)
    assert list(counts) == [22, 22]
    placed = ClusterEvent.objects.filter(type="pipeline.placed")
    assert len({event.seq for event in placed}) == 44


def test_a_teardown_of_many_asks_the_same(
    two_workers: FakeWorkers, clock: ManualClock
) -> None:
    def queries(count: int) -> int:
        names = [f"p{number}" for number in range(count)]
        spec = make_spec(pipelines=names)
        group = deploy_group(spec=spec, requested_by="test", clock=clock)
        with CaptureQueriesContext(connection) as seen:
            assert teardown_group(group=group, clock=clock) == ()
        return len(seen)

    assert queries(2) == queries(42)
    assert set(Worker.objects.values_list("pipelines_running", flat=True)) == {0}
    assert two_workers["worker-0"].names() == two_workers["worker-1"].names() == []
