"""Reports of workers (api.md 5.2, 6.2, 6.6)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cluster.models import ClusterEvent, Placement, Worker
from cluster.selectors import get_group
from cluster.services.groups import deploy_group
from cluster.services.heartbeats import (
    Heartbeat,
    HeartbeatOutcome,
    HeartbeatVerdict,
    record_heartbeats,
)
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def beat(clock: ManualClock, commits: Any) -> Any:
    def send(worker_id: str = "w", **facts: Any) -> HeartbeatOutcome:
        report = Heartbeat(worker_id=worker_id, **facts)
        with commits():
            return record_heartbeats([report], clock.now)[worker_id]

    return send


def test_a_report_is_stored(join: Any, beat: Any, clock: ManualClock) -> None:
    join("w")
    clock.advance(5)
    outcome = beat(events_processed=7, pipelines_running=2, load={"cpu_percent": 1.5})
    worker = Worker.objects.get()
    assert outcome.verdict is HeartbeatVerdict.ACKNOWLEDGED
    assert worker.last_heartbeat_at == clock.now
    assert (worker.events_processed, worker.pipelines_running) == (7, 2)
    assert worker.load == {"cpu_percent": 1.5}


def test_an_empty_report_keeps_what_is_known(join: Any, beat: Any) -> None:
    join("w", pipelines_running=2, load={"cpu_percent": 3})
    beat()
    worker = Worker.objects.get()
    assert worker.pipelines_running == 2
    assert worker.load == {"cpu_percent": 3}


def test_a_worker_never_seen_is_unknown(beat: Any) -> None:
    assert beat("ghost").verdict is HeartbeatVerdict.WORKER_UNKNOWN


@pytest.mark.parametrize(("pipelines", "removes"), [("move", True), ("leave", False)])
def test_a_deregistered_worker_is_told_so(
    join: Any, beat: Any, clock: ManualClock, pipelines: str, removes: bool
) -> None:
    join("w")
    deregister_worker(worker_id="w", pipelines=pipelines, now=clock.now)
    outcome = beat()
    assert outcome.verdict is HeartbeatVerdict.WORKER_DEREGISTERED
    assert outcome.remove_pipelines is removes


def test_a_displaced_process_is_told_so(join: Any, beat: Any) -> None:
    join("w", instance_id="new")
    assert beat(instance_id="old").verdict is HeartbeatVerdict.WORKER_REPLACED
    assert beat(instance_id="new").verdict is HeartbeatVerdict.ACKNOWLEDGED
    assert beat().verdict is HeartbeatVerdict.ACKNOWLEDGED


def test_a_full_worker_turns_busy_and_back(join: Any, beat: Any) -> None:
    join("w", max_pipelines=2)
    beat(pipelines_running=2)
    assert Worker.objects.get().status == "busy"
    beat(pipelines_running=1)
    assert Worker.objects.get().status == "ready"


def test_an_unhealthy_worker_recovers_with_a_report(join: Any, beat: Any) -> None:
    join("w")
    Worker.objects.update(
        status="unhealthy", status_reason="silent", reachable=False, failed_calls=3
    )
    beat()
    worker = Worker.objects.get()
    assert (worker.status, worker.status_reason) == ("ready", None)
    assert (worker.reachable, worker.failed_calls) == (True, 0)
    assert ClusterEvent.objects.filter(type="worker.recovered").count() == 1


def test_a_worker_that_stops_is_unhealthy_at_once(join: Any, beat: Any) -> None:
    join("w")
    beat(stopping=True)
    worker = Worker.objects.get()
    assert (worker.status, worker.status_reason) == ("unhealthy", "stopped")


def test_a_draining_worker_stays_draining(join: Any, beat: Any) -> None:
    join("w")
    Worker.objects.update(status="draining")
    beat()
    assert Worker.objects.get().status == "draining"


@pytest.fixture
def group(join: Any, workers: FakeWorkers, background: Any, clock: ManualClock) -> Any:
    join("w")
    return deploy_group(spec=make_spec(), requested_by="test", clock=clock)


def test_a_lost_pipeline_is_deployed_again(
    group: Any, workers: FakeWorkers, beat: Any, background: Any, clock: ManualClock
) -> None:
    workers["w"].pipelines.clear()
    clock.advance(11)
    beat(pipelines=[])
    assert get_group(group.pk).status == "degraded"
    background.run()
    assert workers["w"].names() == ["p"]
    assert get_group(group.pk).status == "running"
    assert Placement.objects.get().generation == 2


def test_a_report_older_than_a_deploy_does_no_harm(
    group: Any, beat: Any, background: Any, clock: ManualClock
) -> None:
    clock.advance(1)
    outcome = beat(pipelines=[])
    assert outcome.is_unsettled
    assert background.waiting == []
    assert Placement.objects.get().generation == 1


def test_a_report_without_pipelines_says_nothing_of_them(
    group: Any, beat: Any, background: Any, clock: ManualClock
) -> None:
    clock.advance(60)
    beat()
    assert background.waiting == []


def test_a_stopping_worker_loses_nothing(
    group: Any, beat: Any, background: Any, clock: ManualClock
) -> None:
    clock.advance(60)
    beat(pipelines=[], stopping=True)
    assert background.waiting == []


def test_strange_pipelines_are_passed_over(group: Any, beat: Any) -> None:
    strange = [{"id": 7}, {"id": "x", "group_id": "no-uuid"}, {"id": "y", "name": 1}]
    assert beat(pipelines=strange).actions == ()


@pytest.mark.parametrize(
    ("figure", "kept"), [(-1, 0), (2**31, 2**31 - 1), (10**30, 2**31 - 1)]
)
def test_a_nonsense_figure_costs_no_other_worker_its_report(
    join: Any, clock: ManualClock, figure: int, kept: int
) -> None:
    join("odd", port=9000)
    join("sound", port=9001)
    beats = [
        Heartbeat(worker_id="odd", pipelines_running=figure, events_processed=figure),
        Heartbeat(worker_id="sound", pipelines_running=3),
    ]
    record_heartbeats(beats, clock.now)
    running = dict(Worker.objects.values_list("id", "pipelines_running"))
    assert running == {"odd": kept, "sound": 3}


def test_a_generation_that_no_column_holds_is_passed_over(
    group: Any, beat: Any
) -> None:
    place = Placement.objects.get()
    report = {"name": "p", "group_id": str(group.pk), "generation": 10**20}
    assert beat(pipelines=[report | {"id": place.pipeline_id}]).actions == ()
    assert beat(pipelines=[report | {"id": "x" * 65, "generation": 9}]).actions == ()
    place.refresh_from_db()
    assert place.generation == 1


def test_the_number_of_queries_does_not_grow_with_reports(
    join: Any, clock: ManualClock
) -> None:
    def queries(count: int) -> int:
        beats = [Heartbeat(worker_id=f"w{i}", pipelines=[]) for i in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            record_heartbeats(beats, clock.now)
        return len(captured)

    for i in range(12):
        join(f"w{i}", port=9000 + i)
    assert queries(2) == queries(12)


def test_a_report_in_the_middle_of_a_deploy_does_not_disturb_it(
    join: Any, workers: FakeWorkers, beat: Any, background: Any, clock: ManualClock
) -> None:
    join("w")
    outcomes: list[HeartbeatOutcome] = []

    def report(target: object, request: object) -> None:
        clock.advance(30)
        outcomes.append(beat(pipelines=[]))

    workers.before_deploy = report
    deploy_group(spec=make_spec(), requested_by="test", clock=clock)
    assert outcomes[0].is_unsettled
    assert background.waiting == []
    place = Placement.objects.get()
    assert (place.status, place.generation) == ("Running", 1)


def test_a_deploy_that_was_overtaken_takes_its_copy_away_again(
    group: Any, workers: FakeWorkers, beat: Any, background: Any, clock: ManualClock
) -> None:
    """The claim ran out while the worker was slow; somebody else deployed meanwhile."""
    workers["w"].pipelines.clear()
    clock.advance(11)
    beat(pipelines=[])

    def overtake(target: object, request: object) -> None:
        workers.before_deploy = None
        clock.advance(120)
        beat(pipelines=[])
        background.run()

    workers.before_deploy = overtake
    background.run()
    place = Placement.objects.get()
    assert (place.status, place.generation) == ("Running", 3)
    assert list(workers["w"].pipelines) == [place.pipeline_id]


def quiet(worker_id: str, count: int, **facts: Any) -> Heartbeat:
    """Return a report of figures only, as stored for a worker with nothing new."""
    load = {"cpu_percent": count}
    return Heartbeat(
        worker_id=worker_id,
        events_processed=count,
        pipelines_running=0,
        load=load,
        **facts,
    )


def test_quiet_reports_are_stored_without_a_model(
    join: Any, clock: ManualClock
) -> None:
    for number in range(5):
        join(f"w{number}")
    clock.advance(5)
    with CaptureQueriesContext(connection) as queries:
        outcomes = record_heartbeats([quiet(f"w{n}", n) for n in range(5)], clock.now)
    assert {o.verdict for o in outcomes.values()} == {HeartbeatVerdict.ACKNOWLEDGED}
    selects = [q["sql"] for q in queries if q["sql"].startswith("SELECT")]
    assert len(selects) == 1
    stored = Worker.objects.order_by("id").values_list("events_processed", "load")
    assert list(stored) == [(n, {"cpu_percent": n}) for n in range(5)]
    assert {w.last_heartbeat_at for w in Worker.objects.all()} == {clock.now}


@pytest.mark.parametrize("with_it", [False, True])
def test_a_quiet_report_is_judged_like_any_other(
    join: Any, clock: ManualClock, commits: Any, with_it: bool
) -> None:
    join("gone")
    join("taken", instance_id="new")
    join("sick")
    join("well")
    deregister_worker(worker_id="gone", pipelines="move", now=clock.now)
    Worker.objects.filter(id="sick").update(status="unhealthy")
    beats = [
        quiet("gone", 1),
        quiet("never", 1),
        quiet("taken", 1, instance_id="old"),
        quiet("sick", 1),
        *([quiet("well", 1)] if with_it else []),
    ]
    with commits():
        outcomes = record_heartbeats(beats, clock.now)
    verdicts = {key: outcome.verdict.value for key, outcome in outcomes.items()}
    assert verdicts == {
        "gone": "worker_deregistered",
        "never": "worker_unknown",
        "taken": "worker_replaced",
        "sick": "acknowledged",
    } | ({"well": "acknowledged"} if with_it else {})
    assert Worker.objects.get(id="sick").status == "ready"
    assert Worker.objects.get(id="taken").events_processed == 0


def test_of_two_quiet_reports_of_a_worker_the_last_one_stays(
    join: Any, clock: ManualClock
) -> None:
    join("w")
    record_heartbeats([quiet("w", 1), quiet("w", 2)], clock.now)
    assert Worker.objects.get().events_processed == 2
