"""Registering again (api.md 6.3), a row of the table each, and what is reconciled."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster.addresses import WorkerAddress
from cluster.exceptions import (
    WorkerDeregisteredError,
    WorkerIdInUseError,
    WorkerNotFoundError,
)
from cluster.models import ClusterEvent, PipelineGroup, Placement, Worker
from cluster.secrets import decrypt_key, matches_hash
from cluster.selectors import get_group
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.workers import (
    Registered,
    Registration,
    deregister_worker,
    register_worker,
)
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db

Join = Callable[..., Worker]


def register(clock: ManualClock, **changes: Any) -> Registered:
    has_credential = changes.pop("has_credential", False)
    port = changes.pop("port", 9000)
    facts: dict[str, Any] = {
        "worker_id": "w",
        "api_key": "key",
        "address": WorkerAddress(f"http://127.0.0.1:{port}", "127.0.0.1"),
    }
    return register_worker(
        registration=Registration(**(facts | changes)),
        has_credential=has_credential,
        now=clock.now,
    )


def test_a_worker_joins_ready(clock: ManualClock) -> None:
    joined = register(clock, max_pipelines=5, labels={"zone": "north"})
    worker = Worker.objects.get()
    assert (worker.status, worker.max_pipelines) == ("ready", 5)
    assert worker.registered_at == worker.last_heartbeat_at == clock.now
    assert joined.actions == ()


def test_the_key_is_stored_encrypted_and_hashed(clock: ManualClock) -> None:
    register(clock, api_key="s3cret")
    worker = Worker.objects.get()
    stored = f"{worker.api_key_encrypted} {worker.api_key_hash}"
    assert "s3cret" not in stored
    assert decrypt_key(worker.api_key_encrypted) == "s3cret"
    assert matches_hash("s3cret", worker.api_key_hash)
    assert not matches_hash("other", worker.api_key_hash)


def test_a_full_worker_joins_busy(clock: ManualClock) -> None:
    register(clock, max_pipelines=2, pipelines_running=2)
    assert Worker.objects.get().status == "busy"


def test_the_same_worker_may_come_back(clock: ManualClock) -> None:
    register(clock)
    clock.advance(3)
    register(clock, version="0.2")
    worker = Worker.objects.get()
    assert worker.version == "0.2"
    assert worker.last_heartbeat_at == clock.now
    assert ClusterEvent.objects.filter(type="worker.rejoined").exists()


def test_another_key_at_the_same_address_is_refused(clock: ManualClock) -> None:
    register(clock)
    with pytest.raises(WorkerIdInUseError):
        register(clock, api_key="other")
    assert matches_hash("key", Worker.objects.get().api_key_hash)


def test_another_key_is_taken_with_a_credential(clock: ManualClock) -> None:
    register(clock)
    register(clock, api_key="other", has_credential=True)
    assert matches_hash("other", Worker.objects.get().api_key_hash)


def test_another_key_is_taken_once_the_old_worker_is_silent(
    clock: ManualClock,
) -> None:
    register(clock)
    clock.advance(16)
    register(clock, api_key="other")
    assert matches_hash("other", Worker.objects.get().api_key_hash)


def test_another_address_with_another_key_is_refused_while_alive(
    clock: ManualClock,
) -> None:
    register(clock)
    with pytest.raises(WorkerIdInUseError) as caught:
        register(clock, port=9001, api_key="other", has_credential=True)
    assert "http://127.0.0.1:9000" in caught.value.message


def test_another_address_replaces_a_worker_that_is_not_alive(
    clock: ManualClock,
) -> None:
    register(clock)
    Worker.objects.update(status="unhealthy")
    register(clock, port=9001, api_key="other")
    worker = Worker.objects.get()
    assert (worker.address, worker.status) == ("http://127.0.0.1:9001", "ready")


def test_another_address_with_the_same_key_replaces(clock: ManualClock) -> None:
    register(clock)
    register(clock, port=9001)
    assert Worker.objects.get().address == "http://127.0.0.1:9001"
    assert ClusterEvent.objects.filter(type="worker.replaced").exists()


def test_a_deregistered_process_stays_out(clock: ManualClock) -> None:
    register(clock, instance_id="one")
    deregister_worker(worker_id="w", now=clock.now)
    with pytest.raises(WorkerDeregisteredError):
        register(clock, instance_id="one")


@pytest.mark.parametrize("instance_id", ["two", ""])
def test_a_restarted_process_may_come_back(
    clock: ManualClock, instance_id: str
) -> None:
    register(clock, instance_id="one")
    deregister_worker(worker_id="w", now=clock.now)
    register(clock, instance_id=instance_id, api_key="new", port=9005)
    assert Worker.objects.registered().get().address == "http://127.0.0.1:9005"


def test_a_restarted_process_drains_no_more(clock: ManualClock) -> None:
    register(clock, instance_id="one")
    Worker.objects.update(status="draining")
    deregister_worker(worker_id="w", now=clock.now)
    register(clock, instance_id="two")
    assert Worker.objects.get().status == "ready"


def test_deregistering_twice_is_not_found(clock: ManualClock) -> None:
    register(clock)
    deregister_worker(worker_id="w", now=clock.now)
    with pytest.raises(WorkerNotFoundError):
        deregister_worker(worker_id="w", now=clock.now)


@pytest.fixture
def group(
    join: Join, workers: FakeWorkers, background: Any, clock: ManualClock
) -> PipelineGroup:
    """Two workers; pipeline p runs on w."""
    join("other", port=9001)
    join("w", port=9000, api_key="key", instance_id="one")
    spec = make_spec(pipelines=[("p", "w")])
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def rejoin(clock: ManualClock, commits: Any, **facts: Any) -> Registered:
    with commits():
        return register(clock, **facts)


def test_a_worker_that_comes_back_empty_gets_its_pipelines(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    first = group.placements.get()
    workers["w"].pipelines.clear()
    clock.advance(1)
    rejoin(clock, commits, instance_id="two", pipelines=[])
    assert get_group(group.pk).status == "degraded"
    background.run()
    place = Placement.objects.get()
    assert (place.status, place.worker_id, place.generation) == ("Running", "w", 2)
    assert place.pipeline_id != first.pipeline_id
    assert place.pipeline_id in workers["w"].pipelines
    assert get_group(group.pk).status == "running"


def test_a_worker_that_kept_its_pipelines_is_left_alone(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    before = Placement.objects.get()
    clock.advance(60)
    joined = rejoin(
        clock,
        commits,
        instance_id="one",
        pipelines=_report(workers, "w"),
    )
    background.run()
    after = Placement.objects.get()
    assert joined.actions == ()
    assert (after.pipeline_id, after.generation) == (before.pipeline_id, 1)


def test_copies_of_a_group_torn_down_meanwhile_are_to_be_removed(
    group: PipelineGroup, workers: FakeWorkers, clock: ManualClock, commits: Any
) -> None:
    workers["w"].is_dead = True
    teardown_group(group=group, clock=clock)
    report = _report(workers, "w")
    joined = rejoin(clock, commits, instance_id="one", pipelines=report)
    assert [action["action"] for action in joined.actions] == ["remove_pipeline"]
    assert joined.actions[0]["pipeline_id"] == report[0]["id"]


def test_orphans_can_be_kept(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    settings: Any,
) -> None:
    settings.VARPULIS = settings.VARPULIS | {"ORPHANS": "keep"}
    workers["w"].is_dead = True
    teardown_group(group=group, clock=clock)
    report = _report(workers, "w")
    assert rejoin(clock, commits, pipelines=report).actions == ()
    rejoin(clock, commits, pipelines=report)
    assert ClusterEvent.objects.filter(type="pipeline.orphan_removed").count() == 1


def test_deregistering_moves_pipelines_to_others(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    with commits():
        deregister_worker(worker_id="w", now=clock.now)
    background.run()
    place = Placement.objects.get()
    assert (place.worker_id, place.status, place.generation) == ("other", "Running", 2)
    assert get_group(group.pk).status == "running"


def test_deregistering_with_leave_lets_pipelines_be(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    with commits():
        deregister_worker(worker_id="w", pipelines="leave", now=clock.now)
    background.run()
    place = Placement.objects.get()
    assert (place.worker_id, place.status) == ("w", "Running")
    assert get_group(group.pk).status == "degraded"


def test_what_waited_for_a_worker_is_placed_when_one_joins(
    group: PipelineGroup,
    workers: FakeWorkers,
    clock: ManualClock,
    commits: Any,
    background: Any,
) -> None:
    with commits():
        deregister_worker(worker_id="other", now=clock.now)
        deregister_worker(worker_id="w", now=clock.now)
    place = Placement.objects.get()
    assert (place.status, place.worker_id) == ("Failed", None)
    assert (place.error or {})["code"] == "no_workers_available"
    assert get_group(group.pk).status == "failed"
    rejoin(clock, commits, worker_id="third", port=9003, instance_id="x")
    background.run()
    assert Placement.objects.get().worker_id == "third"
    assert get_group(group.pk).status == "running"


def _report(workers: FakeWorkers, worker_id: str) -> list[dict[str, Any]]:
    from cluster.services.topology import load_cluster_state

    cluster_id = str(load_cluster_state().cluster_id)
    return [item | {"cluster_id": cluster_id} for item in workers[worker_id].report()]


def test_joining_costs_as_many_queries_in_a_large_cluster(
    clock: ManualClock, django_assert_num_queries: Any
) -> None:
    register(clock, worker_id="first")
    with django_assert_num_queries(8):
        register(clock, worker_id="second")
    for number in range(20):
        register(clock, worker_id=f"more-{number}")
    with django_assert_num_queries(8):
        register(clock, worker_id="last")
