"""Deploy and tear down pipeline groups (api.md 6.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from cluster import conf
from cluster.exceptions import (
    ClusterError,
    ConflictError,
    InvalidSpecError,
    NoWorkersAvailableError,
    WorkerCallError,
)
from cluster.group_spec import GroupSpec, find_faults, find_route_cycle
from cluster.metrics import SERIES
from cluster.models import (
    ClusterState,
    PipelineGroup,
    Placement,
    Revision,
    Route,
)
from cluster.models.topology import THE_ROW
from cluster.placement import Choice, Plan, WantedPipeline, plan_placements
from cluster.programs import CheckedProgram, check_programs
from cluster.selectors import get_group, load_candidates
from cluster.services.deployments import Clock, deploy_claimed
from cluster.services.events import WARNING, record_event
from cluster.services.first_deploys import give_up_group
from cluster.services.group_status import mark_group, refresh_group_status
from cluster.services.placements import CLAIM
from cluster.services.removals import PendingRemoval, remove_stopped
from cluster.services.topology import bump_version
from cluster.state import GroupStatus, PlacementStatus
from cluster.worker_client import WorkerClient


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What a deploy of a spec would do; nothing has been written or called yet."""

    spec: GroupSpec
    programs: Mapping[str, CheckedProgram]
    placements: Plan
    fingerprint: str
    warnings: tuple[str, ...]


def plan_group(*, spec: GroupSpec, notes: Sequence[str] = ()) -> GroupPlan:
    """Check a spec and choose workers: steps 1 to 3 of a deploy.

    `notes` are warnings of the caller. Raises InvalidSpecError, InvalidProgramError
    and, if names have to be unique, ConflictError.
    """
    faults = find_faults(spec)
    if faults:
        details = {"errors": [fault.to_json() for fault in faults]}
        sentence = f"{faults[0].path}: {faults[0].message}"
        raise InvalidSpecError(sentence, details=details)
    programs = check_programs(spec.pipelines)
    candidates, unavailable = load_candidates()
    wanted = [WantedPipeline(p.name, p.worker_affinity) for p in spec.pipelines]
    plan = plan_placements(
        wanted, candidates, strategy=spec.placement, unavailable=unavailable
    )
    fingerprints = {name: program.fingerprint for name, program in programs.items()}
    return GroupPlan(
        spec=spec,
        programs=programs,
        placements=plan,
        fingerprint=spec.fingerprint(fingerprints),
        warnings=(*notes, *_warnings(spec, programs, plan)),
    )


def deploy_group(
    *,
    spec: GroupSpec,
    requested_by: str,
    notes: Sequence[str] = (),
    clock: Clock = timezone.now,
    client: WorkerClient | None = None,
) -> PipelineGroup:
    """Check, place, record and start a group; return it with its placements.

    With `spec.atomic` either every pipeline runs or none does: what was started is
    removed, the record stays as `failed`, and the error tells why, per placement.
    Otherwise what started is kept, unless nothing did. A group that somebody tore down
    meanwhile is returned as such.
    """
    with SERIES.deploying():
        return _deploy(spec, requested_by, notes, clock, client)


def _deploy(
    spec: GroupSpec,
    requested_by: str,
    notes: Sequence[str],
    clock: Clock,
    client: WorkerClient | None,
) -> PipelineGroup:
    plan = plan_group(spec=spec, notes=notes)
    if plan.placements.unplaced and (spec.atomic or _none_placed(plan)):
        raise _no_workers(plan.placements.unplaced)
    group = _record_group(plan, requested_by, clock())
    ids = _claimed_ids(group)
    errors = deploy_claimed(placement_ids=ids, clock=clock, client=client)
    if errors and (spec.atomic or len(errors) == len(ids)):
        give_up_group(group=group, now=clock(), client=client)
        raise _deploy_error(group, errors)
    refresh_group_status(group_ids=[group.pk], now=clock())
    deployed = get_group(group.pk)
    if deployed.status != GroupStatus.TORN_DOWN.value:
        _tell_deployed(deployed, clock())
    return deployed


def teardown_group(
    *,
    group: PipelineGroup,
    clock: Clock = timezone.now,
    client: WorkerClient | None = None,
    cause: str = "",
) -> tuple[PendingRemoval, ...]:
    """Stop a group: routes go at once, then its copies, on all workers in parallel.

    May be called again: what could not be removed before is tried once more. Returns
    what is still left on workers.
    """
    if group.status != GroupStatus.TORN_DOWN.value:
        _mark_torn_down(group, clock(), cause)
    return remove_stopped(group=group, now=clock(), client=client)


def _warnings(
    spec: GroupSpec, programs: Mapping[str, CheckedProgram], plan: Plan
) -> list[str]:
    found = [text for program in programs.values() for text in program.warnings]
    found += plan.warnings
    cycle = find_route_cycle(spec)
    if cycle:
        found.append("routes lead round in a circle: " + " -> ".join(cycle))
    if PipelineGroup.objects.standing().filter(name=spec.name).exists():
        _refuse_repeated_name(spec.name)
        found.append(f"another group is named '{spec.name}' too")
    return found


def _refuse_repeated_name(name: str) -> None:
    if conf.current().unique_group_names:
        raise ConflictError(f"a group named '{name}' exists", code="group_exists")


def _none_placed(plan: GroupPlan) -> bool:
    return len(plan.placements.unplaced) == len(plan.placements.choices)


def _no_workers(unplaced: Sequence[Choice]) -> NoWorkersAvailableError:
    names = ", ".join(f"'{choice.name}'" for choice in unplaced)
    return NoWorkersAvailableError(
        f"no worker can take pipeline {names}: {unplaced[0].reason}",
        details={
            "placements": [
                {"pipeline_name": choice.name, "reason": choice.reason}
                for choice in unplaced
            ]
        },
        retry_after_s=conf.current().heartbeat_interval,
    )


def _record_group(plan: GroupPlan, requested_by: str, now: datetime) -> PipelineGroup:
    spec = plan.spec
    with transaction.atomic():
        # one deploy after the other here, so that names are unique if they must be
        ClusterState.objects.select_for_update().filter(pk=THE_ROW).first()
        if PipelineGroup.objects.standing().filter(name=spec.name).exists():
            _refuse_repeated_name(spec.name)
        group = PipelineGroup.objects.create(
            name=spec.name,
            spec=spec.to_json(),
            fingerprint=plan.fingerprint,
            default_route=spec.default_route,
            warnings=list(plan.warnings),
            labels=dict(spec.labels),
            created_at=now,
            updated_at=now,
        )
        Revision.objects.create(
            group=group,
            number=group.revision,
            spec=spec.to_json(),
            fingerprint=plan.fingerprint,
            requested_by=requested_by,
            created_at=now,
        )
        Placement.objects.bulk_create(_placements(group, plan, now))
        Route.objects.bulk_create(
            Route(
                group=group,
                position=position,
                from_pipeline=route.from_pipeline,
                to_pipeline=route.to_pipeline,
                event_types=list(route.event_types),
            )
            for position, route in enumerate(spec.routes)
        )
        bump_version(group_ids=[group.pk])
    return group


def _placements(
    group: PipelineGroup, plan: GroupPlan, now: datetime
) -> list[Placement]:
    rows = []
    pairs = zip(plan.spec.pipelines, plan.placements.choices, strict=True)
    for position, (pipeline, choice) in enumerate(pairs):
        row = Placement(
            group=group,
            position=position,
            pipeline_name=pipeline.name,
            source=pipeline.source,
            limits=dict(pipeline.limits),
            worker_id=choice.worker_id,
            worker_affinity=pipeline.worker_affinity or "",
            fingerprint=plan.programs[pipeline.name].fingerprint,
            reason=choice.reason,
            since=now,
            claimed_until=now + CLAIM,
        )
        if choice.worker_id is None:
            row.status = PlacementStatus.FAILED.value
            row.error = {"error": choice.reason, "code": "no_workers_available"}
            row.claimed_until = None
        rows.append(row)
    return rows


def _claimed_ids(group: PipelineGroup) -> list[int]:
    rows = group.placements.filter(status=PlacementStatus.DEPLOYING.value)
    return list(rows.values_list("pk", flat=True))


def _deploy_error(
    group: PipelineGroup, errors: Mapping[int, WorkerCallError]
) -> ClusterError:
    first = next(iter(errors.values()))
    status, code = first.error_status, first.error_code
    if code in {"stale_generation", "rate_limited", "quota_exceeded", "queue_full"}:
        status, code = 502, "worker_error"
    details: dict[str, Any] = first.details | {
        "group_id": str(group.pk),
        "placements": [
            {
                "pipeline_name": place.pipeline_name,
                "worker_id": place.worker_id,
                "status": place.status,
                "error": place.error,
            }
            for place in group.placements.all()
        ],
    }
    return ClusterError(
        f"group '{group.name}' was not deployed: {first.message}",
        code=code,
        status=status,
        details=details,
    )


def _tell_deployed(group: PipelineGroup, now: datetime) -> None:
    failed = group.placements.exclude(status=PlacementStatus.RUNNING.value).count()
    record_event(
        event_type="group.deployed",
        severity=WARNING if failed else "info",
        group_id=group.pk,
        message=f"group '{group.name}' was deployed"
        + (f", {failed} pipelines did not start" if failed else ""),
        data={"revision": group.revision},
        now=now,
    )


def _mark_torn_down(group: PipelineGroup, now: datetime, cause: str) -> None:
    with transaction.atomic():
        while not mark_group(group, GroupStatus.TORN_DOWN, now):
            group.refresh_from_db(fields=["status"])  # somebody else was faster
            if group.status == GroupStatus.TORN_DOWN.value:
                return
        group.placements.update(
            status=PlacementStatus.STOPPED.value, claimed_until=None, since=now
        )
        record_event(
            event_type="group.torn_down",
            group_id=group.pk,
            message=f"group '{group.name}' was torn down",
            cause=cause,
            now=now,
        )
