"""Deploy claimed placements to their workers and record what came of it.

Read, commit, call, compare-and-set: no call is made inside a transaction, and a result
that is no longer wanted is taken off the worker again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from cluster.exceptions import WorkerCallError
from cluster.models import ClusterEvent, Placement
from cluster.placement import ROUND_ROBIN, WantedPipeline, plan_placements
from cluster.selectors import load_candidates
from cluster.services.events import (
    ERROR,
    new_event,
    record_event,
    record_events,
)
from cluster.services.parallel import call_each
from cluster.services.placements import (
    count_running,
    mark_failed,
    mark_running,
    move_claim,
)
from cluster.services.reachability import note_calls
from cluster.services.removals import remove_copies
from cluster.services.topology import bump_version, load_cluster_state
from cluster.state import PlacementStatus
from cluster.worker_client import (
    DeployAnswer,
    DeployRequest,
    WorkerClient,
    WorkerTarget,
    get_client,
)
from cluster.worker_targets import target_of

Clock = Callable[[], datetime]
OTHER_WORKERS_TRIED = 2


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a deploy did not work, and under which generation it was tried."""

    generation: int
    error: WorkerCallError


Failures = dict[int, _Failure]


@dataclass(frozen=True, slots=True)
class _Deploy:
    placement: Placement
    target: WorkerTarget
    request: DeployRequest


def deploy_claimed(
    *,
    placement_ids: Iterable[int],
    clock: Clock = timezone.now,
    client: WorkerClient | None = None,
) -> dict[int, WorkerCallError]:
    """Deploy claimed placements, all at once; return the errors of those that failed.

    One whose worker is unreachable or full goes to another candidate, twice at most.
    Ids that are not claimed any more are passed over.
    """
    client = client or get_client()
    tried: dict[int, frozenset[str]] = {}
    failed: Failures = {}
    waiting = set(placement_ids)
    for round_number in range(OTHER_WORKERS_TRIED + 1):
        fresh = _deploy_round(waiting, clock, client)
        movable = {
            pk: failure
            for pk, failure in fresh.items()
            if failure.error.may_move and round_number < OTHER_WORKERS_TRIED
        }
        failed |= {pk: item for pk, item in fresh.items() if pk not in movable}
        waiting, stuck = _move_on(movable, tried, clock())
        failed |= stuck
        if not waiting:
            break
    _record_failures(failed, clock())
    return {pk: failure.error for pk, failure in failed.items()}


def _deploy_round(ids: Iterable[int], clock: Clock, client: WorkerClient) -> Failures:
    jobs = _load_jobs(ids)
    answers = call_each(
        lambda job: client.deploy_pipeline(job.target, job.request), jobs
    )
    failed: Failures = {}
    unwanted: list[tuple[WorkerTarget, str]] = []
    running: list[_Deploy] = []
    now = clock()
    with transaction.atomic():  # one commit for the round, not one per placement
        note_calls(map(_outcome, jobs, answers), now=now)
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, WorkerCallError):
                failed[job.placement.pk] = _Failure(job.placement.generation, answer)
            elif _is_running(job, answer, now):
                running.append(job)
            else:
                unwanted.append((job.target, answer.id))
        _record_running(running, now)
    remove_copies(copies=unwanted, now=now, client=client)
    return failed


def _load_jobs(ids: Iterable[int]) -> list[_Deploy]:
    cluster_id = str(load_cluster_state().cluster_id)
    rows = Placement.objects.filter(
        pk__in=set(ids), status=PlacementStatus.DEPLOYING.value, worker__isnull=False
    ).select_related("worker")
    return [
        _Deploy(place, target_of(place.worker), _request(place, cluster_id))
        for place in rows
        if place.worker is not None
    ]


def _request(place: Placement, cluster_id: str) -> DeployRequest:
    return DeployRequest(
        pipeline_id=str(uuid4()),
        name=place.pipeline_name,
        source=place.source,
        group_id=place.group_id,
        replica=place.replica,
        generation=place.generation,
        cluster_id=cluster_id,
        limits=place.limits,
    )


def _outcome(
    job: _Deploy, answer: DeployAnswer | WorkerCallError
) -> tuple[str, WorkerCallError | None]:
    error = answer if isinstance(answer, WorkerCallError) else None
    return job.target.worker_id, error


def _is_running(job: _Deploy, answer: DeployAnswer, now: datetime) -> bool:
    return mark_running(
        job.placement,
        pipeline_id=answer.id,
        fingerprint=answer.fingerprint,
        now=now,
    )


def _record_running(jobs: Sequence[_Deploy], now: datetime) -> None:
    """Tell of placements that run now, with few statements however many they are."""
    if not jobs:
        return
    count_running(Counter(job.target.worker_id for job in jobs))
    bump_version(group_ids={job.placement.group_id for job in jobs})
    record_events([_placed(job, now) for job in jobs])


def _placed(job: _Deploy, now: datetime) -> ClusterEvent:
    place = job.placement
    return new_event(
        event_type="pipeline.placed",
        worker_id=job.target.worker_id,
        group_id=place.group_id,
        message=f"pipeline '{place.pipeline_name}' runs on '{place.worker_id}'"
        f" ({place.reason})",
        data={"pipeline": place.pipeline_name, "generation": place.generation},
        now=now,
    )


def _move_on(
    failures: Failures, tried: dict[int, frozenset[str]], now: datetime
) -> tuple[set[int], Failures]:
    """Give each placement another worker; return those moved and those left over."""
    moved: set[int] = set()
    stuck: Failures = {}
    for place in _still_failing(failures):
        tried[place.pk] = tried.get(place.pk, frozenset()) | {place.worker_id or ""}
        if _give_other_worker(place, tried[place.pk], now):
            moved.add(place.pk)
        else:
            stuck[place.pk] = failures[place.pk]
    return moved, stuck


def _still_failing(failures: Failures) -> list[Placement]:
    """Return the placements that nobody has taken up since their deploy failed."""
    rows = Placement.objects.filter(
        pk__in=failures, status=PlacementStatus.DEPLOYING.value
    ).select_related("group")
    return [row for row in rows if row.generation == failures[row.pk].generation]


def _give_other_worker(place: Placement, tried: frozenset[str], now: datetime) -> bool:
    candidates, unavailable = load_candidates()
    wanted = WantedPipeline(place.pipeline_name, excluded=tried)
    strategy = place.group.spec.get("placement") or ROUND_ROBIN
    plan = plan_placements(
        [wanted], candidates, strategy=strategy, unavailable=unavailable
    )
    chosen = plan.choices[0].worker_id
    if chosen is None:
        return False
    reason = f"{plan.choices[0].reason}, as {place.worker_id} did not take it"
    return move_claim(place, worker_id=chosen, reason=reason, now=now)


def _record_failures(failed: Failures, now: datetime) -> None:
    for place in _still_failing(failed):
        error = failed[place.pk].error
        with transaction.atomic():
            if not mark_failed(place, error=error.to_json(), now=now, keep_worker=True):
                continue
            bump_version(group_ids=[place.group_id])
            record_event(
                event_type="pipeline.failed",
                severity=ERROR,
                worker_id=place.worker_id or "",
                group_id=place.group_id,
                message=f"pipeline '{place.pipeline_name}': {error.message}",
                data={"code": error.error_code},
                now=now,
            )
