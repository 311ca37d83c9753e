"""Silence, failover, retry and tidying (api.md 6.1, 6.6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cluster.exceptions import WorkerRefusedError
from cluster.models import ClusterEvent, ClusterState, PipelineGroup, Placement, Worker
from cluster.selectors import get_group
from cluster.services.events import record_event
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.reachability import record_call
from cluster.services.sweep import LEASE, SweepReport, run_sweep
from cluster.services.topology import load_cluster_state, mark_coordinator_started
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweep(clock: ManualClock, commits: Any, background: Any) -> Any:
    def run(*, after: float = 0, holder: str = "me") -> SweepReport:
        now = clock.advance(after)
        with commits():
            return run_sweep(now, holder=holder)

    return run


@pytest.fixture
def beat(clock: ManualClock, commits: Any) -> Any:
    def send(*worker_ids: str) -> None:
        with commits():
            beats = [Heartbeat(worker_id=worker_id) for worker_id in worker_ids]
            record_heartbeats(beats, clock.now)

    return send


@pytest.mark.parametrize(("silence", "status"), [(15, "ready"), (15.1, "unhealthy")])
def test_a_worker_is_unhealthy_after_the_timeout(
    join: Any, sweep: Any, silence: float, status: str
) -> None:
    join("w")
    sweep(after=silence)
    assert Worker.objects.get().status == status


def test_silence_is_told_with_its_length(join: Any, sweep: Any) -> None:
    join("w")
    assert sweep(after=16).unhealthy == ("w",)
    assert Worker.objects.get().status_reason == "no heartbeat for 16.0 s"
    assert ClusterEvent.objects.filter(type="worker.unhealthy").count() == 1
    sweep(after=5)
    assert ClusterEvent.objects.filter(type="worker.unhealthy").count() == 1


def test_others_stay_ready(
    join: Any, sweep: Any, beat: Any, clock: ManualClock
) -> None:
    join("a", port=9000)
    join("b", port=9001)
    clock.advance(10)
    beat("b")
    sweep(after=6)
    statuses = dict(Worker.objects.values_list("id", "status"))
    assert statuses == {"a": "unhealthy", "b": "ready"}


def test_a_restarted_coordinator_waits_one_timeout(
    join: Any, sweep: Any, clock: ManualClock
) -> None:
    join("w")
    mark_coordinator_started(now=clock.advance(3600))
    sweep(after=15)
    assert Worker.objects.get().status == "ready"
    sweep(after=1)
    assert Worker.objects.get().status == "unhealthy"


def test_only_the_holder_of_the_lease_sweeps(join: Any, sweep: Any) -> None:
    join("w")
    assert not sweep(holder="one").skipped
    assert sweep(after=14, holder="two").skipped
    assert not sweep(after=0, holder="one").skipped
    assert not sweep(after=15, holder="two").skipped


@pytest.fixture
def group(join: Any, workers: FakeWorkers, clock: ManualClock) -> PipelineGroup:
    """Pipeline p on a, q on b."""
    join("a", port=9000)
    join("b", port=9001)
    spec = make_spec(pipelines=[("p", "a"), ("q", "b")])
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def home(name: str) -> tuple[str | None, str, int]:
    place = Placement.objects.get(pipeline_name=name)
    return place.worker_id, place.status, place.generation


def test_a_group_on_a_silent_worker_is_degraded_then_moved(
    group: PipelineGroup,
    workers: FakeWorkers,
    sweep: Any,
    beat: Any,
    clock: ManualClock,
    background: Any,
) -> None:
    clock.advance(16)
    beat("a")
    sweep()
    assert get_group(group.pk).status == "degraded"
    assert home("q") == ("b", "Running", 1)
    clock.advance(9)
    beat("a")
    sweep()
    assert home("q") == ("b", "Running", 1)
    sweep(after=1)
    assert home("q") == ("a", "Deploying", 2)
    background.run()
    assert home("q") == ("a", "Running", 2)
    assert workers["a"].names() == ["p", "q"]
    assert get_group(group.pk).status == "running"


def test_the_old_copy_goes_when_its_worker_returns(
    group: PipelineGroup,
    workers: FakeWorkers,
    sweep: Any,
    beat: Any,
    clock: ManualClock,
    background: Any,
) -> None:
    clock.advance(16)
    beat("a")
    sweep()
    clock.advance(10)
    beat("a")
    sweep()
    background.run()
    cluster_id = str(load_cluster_state().cluster_id)
    report = [item | {"cluster_id": cluster_id} for item in workers["b"].report()]
    outcome = record_heartbeats(
        [Heartbeat(worker_id="b", pipelines=report)], clock.now
    )["b"]
    assert [item["reason"] for item in outcome.actions] == ["stale_generation"]
    assert home("q") == ("a", "Running", 2)


def test_without_another_worker_a_placement_waits_and_is_retried(
    group: PipelineGroup, sweep: Any, beat: Any, join: Any, background: Any
) -> None:
    sweep(after=16)
    sweep(after=10)
    assert home("p") == (None, "Failed", 1)
    assert get_group(group.pk).status == "failed"
    waiting = ClusterEvent.objects.filter(type="failover.waiting").count()
    sweep(after=5)
    assert ClusterEvent.objects.filter(type="failover.waiting").count() == waiting
    join("c", port=9002)
    background.run()
    assert home("p")[:2] == ("c", "Running")
    assert home("q")[:2] == ("c", "Running")
    assert get_group(group.pk).status == "running"


def test_a_failed_first_deploy_is_not_retried(
    group: PipelineGroup,
    workers: FakeWorkers,
    sweep: Any,
    beat: Any,
    clock: ManualClock,
    background: Any,
) -> None:
    workers["a"].is_dead = workers["b"].is_dead = True
    with pytest.raises(Exception, match="not deployed"):
        deploy_group(spec=make_spec("late"), requested_by="test", clock=clock)
    workers["a"].is_dead = workers["b"].is_dead = False
    clock.advance(60)
    beat("a", "b")
    sweep()
    background.run()
    assert PipelineGroup.objects.get(name="late").status == "failed"
    assert workers["a"].names() == ["p"]


def test_a_deploy_that_failed_is_tried_again_after_a_pause(
    group: PipelineGroup,
    workers: FakeWorkers,
    sweep: Any,
    beat: Any,
    clock: ManualClock,
    background: Any,
) -> None:
    clock.advance(16)
    beat("a")
    sweep()
    clock.advance(10)
    beat("a")
    workers["a"].is_dead = True
    sweep()
    background.run()
    assert home("q")[1] == "Failed"
    workers["a"].is_dead = False
    clock.advance(5)
    beat("a")
    sweep()
    assert home("q")[1] == "Failed"
    clock.advance(30)
    beat("a")
    sweep()
    background.run()
    assert home("q")[:2] == ("a", "Running")


def test_three_failed_calls_make_a_worker_unreachable(
    join: Any, workers: FakeWorkers, sweep: Any, beat: Any, clock: ManualClock
) -> None:
    join("w")
    workers["w"].is_dead = True
    for expected in (True, True, False):
        record_call(worker_id="w", failed=True, now=clock.now)
        assert Worker.objects.get().reachable is expected
    sweep(after=1)
    assert not Worker.objects.get().reachable
    workers["w"].is_dead = False
    sweep(after=1)
    assert Worker.objects.get().reachable


def test_a_good_call_ends_the_count(join: Any, clock: ManualClock) -> None:
    join("w")
    for failed in (True, True, False, True, True):
        record_call(worker_id="w", failed=failed, now=clock.now)
    worker = Worker.objects.get()
    assert (worker.reachable, worker.failed_calls) == (True, 2)


def test_what_is_old_is_forgotten(
    group: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    teardown_group(group=group, clock=clock)
    record_event(event_type="worker.joined", message="long ago", now=clock.now)
    clock.now += timedelta(days=31)
    record_event(event_type="worker.joined", message="today", now=clock.now)
    Worker.objects.update(last_heartbeat_at=clock.now, status="ready")
    sweep()
    assert not PipelineGroup.objects.exists()
    assert [event.message for event in ClusterEvent.objects.all()] == ["today"]
    assert Worker.objects.count() == 2


def test_a_silent_worker_without_placements_is_forgotten_after_a_day(
    join: Any, sweep: Any, clock: ManualClock
) -> None:
    join("w")
    sweep(after=16)
    clock.now += timedelta(hours=25)
    sweep()
    assert not Worker.objects.exists()


def test_a_silent_worker_is_forgotten_whatever_it_ran_once(
    group: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    teardown_group(group=group, clock=clock)
    sweep(after=16)
    clock.now += timedelta(hours=25)
    sweep()
    assert not Worker.objects.exists()
    assert get_group(group.pk).status == "torn_down"


def test_a_sweep_leaves_its_time(sweep: Any, clock: ManualClock) -> None:
    sweep(after=5)
    assert ClusterState.objects.get().last_sweep_at == clock.now


def test_a_claim_that_ran_out_is_taken_up_again(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    """A coordinator died between recording a deploy and making it."""
    Placement.objects.filter(pipeline_name="p").update(
        status="Deploying", pipeline_id="", claimed_until=clock.now
    )
    workers["a"].pipelines.clear()
    clock.advance(1)
    with commits():
        record_heartbeats([Heartbeat(worker_id="a", pipelines=[])], clock.now)
    background.run()
    assert home("p") == ("a", "Running", 2)
    assert workers["a"].names() == ["p"]


@pytest.fixture
def abandoned(group: PipelineGroup) -> PipelineGroup:
    """A coordinator died after the calls of a deploy and before its end."""
    PipelineGroup.objects.update(status="deploying", started_at=None)
    return group


def test_a_deploy_that_nobody_ended_is_ended_by_the_sweep(
    abandoned: PipelineGroup, sweep: Any
) -> None:
    sweep(after=1)
    found = get_group(abandoned.pk)
    assert found.status == "running"
    assert found.started_at is not None


def test_a_sweep_leaves_a_deploy_alone_that_goes_on(
    abandoned: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    later = clock.now + timedelta(seconds=60)
    Placement.objects.filter(pipeline_name="p").update(
        status="Deploying", pipeline_id="", claimed_until=later
    )
    sweep(after=1)
    assert get_group(abandoned.pk).status == "deploying"
    assert home("q") == ("b", "Running", 1)


def test_all_or_nothing_holds_for_a_deploy_that_nobody_ended(
    abandoned: PipelineGroup, workers: FakeWorkers, sweep: Any
) -> None:
    Placement.objects.filter(pipeline_name="p").update(
        status="Failed", error={"error": "no", "code": "invalid_vpl"}
    )
    sweep(after=1)
    assert get_group(abandoned.pk).status == "failed"
    assert home("q") == ("b", "Stopped", 1)
    assert workers["b"].names() == []


def test_what_started_is_kept_of_a_deploy_that_nobody_ended_if_asked_for(
    abandoned: PipelineGroup, workers: FakeWorkers, sweep: Any
) -> None:
    abandoned.spec["atomic"] = False
    abandoned.save(update_fields=["spec"])
    Placement.objects.filter(pipeline_name="p").update(
        status="Failed", error={"error": "no", "code": "invalid_vpl"}
    )
    sweep(after=1)
    assert get_group(abandoned.pk).status == "partially_running"
    assert workers["b"].names() == ["q"]


def test_all_or_nothing_holds_when_the_rest_is_deployed_by_another(
    abandoned: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    Placement.objects.filter(pipeline_name="p").update(
        status="Deploying", pipeline_id="", claimed_until=clock.now
    )
    workers["a"].refusal = WorkerRefusedError("no", status=400)
    clock.advance(1)
    with commits():
        record_heartbeats([Heartbeat(worker_id="a", pipelines=[])], clock.now)
    background.run()
    assert get_group(abandoned.pk).status == "failed"
    assert workers["b"].names() == []


def test_a_worker_deregistered_while_it_was_deployed_to_keeps_nothing(
    join: Any, workers: FakeWorkers, sweep: Any, clock: ManualClock, background: Any
) -> None:
    join("a", port=9000)
    join("b", port=9001)
    workers.before_deploy = lambda target, request: (
        deregister_worker(worker_id="a", now=clock.now)
        if target.worker_id == "a"
        else None
    )
    spec = make_spec(pipelines=[("p", "a")])
    deploy_group(spec=spec, requested_by="test", clock=clock)
    assert home("p")[0] == "a"
    sweep()
    background.run()
    assert home("p") == ("b", "Running", 2)


@pytest.fixture
def idle(group: PipelineGroup, sweep: Any, clock: ManualClock) -> PipelineGroup:
    """A group in a cluster where the last sweep left nothing to do."""
    sweep(after=1)
    sweep(after=1)
    return group


def queries_of_a_sweep(sweep: Any, after: float = 1) -> int:
    with CaptureQueriesContext(connection) as seen:
        sweep(after=after)
    return len(seen)


def test_a_sweep_with_nothing_to_do_is_one_statement(
    idle: PipelineGroup, sweep: Any, join: Any, clock: ManualClock
) -> None:
    assert queries_of_a_sweep(sweep) == 1
    for number in range(10):
        join(f"more-{number}")
    teardown_group(group=idle, clock=clock)
    assert queries_of_a_sweep(sweep) == 1
    state = ClusterState.objects.get()
    assert state.last_sweep_at == clock.now
    assert state.sweep_holder == "me"
    assert state.sweep_lease_until == clock.now + LEASE


def test_a_record_of_a_failed_deploy_is_nothing_to_do(
    idle: PipelineGroup, workers: FakeWorkers, sweep: Any, clock: ManualClock
) -> None:
    workers["a"].is_dead = workers["b"].is_dead = True
    with pytest.raises(Exception, match="not deployed"):
        deploy_group(spec=make_spec("late"), requested_by="test", clock=clock)
    Worker.objects.update(reachable=True)
    assert queries_of_a_sweep(sweep) == 1


def test_an_idle_sweep_leaves_the_lease_to_its_holder(
    idle: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    assert sweep(after=1, holder="another").skipped
    assert ClusterState.objects.get().sweep_holder == "me"


@pytest.mark.parametrize("settles", [True, False])
def test_a_silent_worker_ends_the_idleness_once_the_coordinator_has_settled(
    idle: PipelineGroup, sweep: Any, clock: ManualClock, settles: bool
) -> None:
    clock.advance(10)
    if settles:
        mark_coordinator_started(now=clock.now)
    swept = sweep(after=6)
    assert swept.unhealthy == (() if settles else ("a", "b"))


def test_a_lost_worker_ends_the_idleness_when_its_grace_is_over(
    idle: PipelineGroup, sweep: Any, beat: Any, clock: ManualClock
) -> None:
    Worker.objects.filter(pk="b").update(status="unhealthy", status_since=clock.now)
    assert queries_of_a_sweep(sweep, after=9) == 1
    assert sweep(after=1).reassigned == 1


def test_a_deregistered_worker_with_a_placement_ends_the_idleness(
    idle: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    Worker.objects.filter(pk="b").update(deregistered_at=clock.now)
    assert sweep(after=1).reassigned == 1


def test_a_deregistered_worker_that_keeps_its_placement_does_not(
    idle: PipelineGroup, sweep: Any, clock: ManualClock
) -> None:
    deregister_worker(worker_id="b", pipelines="leave", now=clock.now)
    assert queries_of_a_sweep(sweep) == 1


def test_a_placement_without_a_worker_ends_the_idleness(
    idle: PipelineGroup, sweep: Any
) -> None:
    error = {"code": "no_workers_available", "error": "no worker is ready"}
    Placement.objects.filter(pipeline_name="p").update(
        status="Failed", worker=None, error=error
    )
    assert sweep(after=1).retried == 1


def test_a_deploy_that_is_over_ends_the_idleness(
    idle: PipelineGroup, sweep: Any
) -> None:
    PipelineGroup.objects.update(status="deploying", started_at=None)
    sweep(after=1)
    assert get_group(idle.pk).status == "running"


def test_an_unreachable_worker_ends_the_idleness(
    idle: PipelineGroup, sweep: Any
) -> None:
    Worker.objects.filter(pk="a").update(reachable=False)
    sweep(after=1)
    assert Worker.objects.get(pk="a").reachable


def test_every_hour_the_idleness_ends_for_tidying(
    idle: PipelineGroup, sweep: Any, beat: Any, clock: ManualClock
) -> None:
    tidied_at = ClusterState.objects.get().tidied_at
    clock.advance(3600)
    beat("a", "b")
    sweep(after=0)
    assert ClusterState.objects.get().tidied_at > tidied_at
