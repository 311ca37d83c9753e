"""The answer of a dry run (api.md 5.6): faults are part of it, not errors."""

from typing import Any

from cluster.exceptions import ClusterError, InvalidProgramError, InvalidSpecError
from cluster.group_spec import GroupSpec
from cluster.placement import Choice
from cluster.services.groups import GroupPlan, plan_group

Json = dict[str, Any]


def plan_json(spec: GroupSpec, notes: list[str]) -> Json:
    """Return what deploying the spec would do, or why it cannot be done."""
    try:
        plan = plan_group(spec=spec, notes=notes)
    except (InvalidSpecError, InvalidProgramError) as error:
        return _invalid(spec, error, notes)
    return _head(spec) | {
        "valid": not plan.placements.unplaced,
        "diagnostics": [],
        "warnings": list(plan.warnings),
        "pipelines": [{"name": p.name, "change": "add"} for p in spec.pipelines],
        "placements": [_choice_json(item) for item in plan.placements.choices],
        "routes": {"added": spec.to_json()["routes"], "removed": [], "changed": []},
        "diff": _diff(plan),
    }


def _head(spec: GroupSpec) -> Json:
    return {
        "action": "create",
        "name": spec.name,
        "changed": True,
        "from_revision": None,
        "to_revision": 1,
    }


def _choice_json(choice: Choice) -> Json:
    return {
        "pipeline_name": choice.name,
        "worker_id": choice.worker_id,
        "reason": choice.reason,
        "rejected": [{"worker_id": key, "why": why} for key, why in choice.rejected],
    }


def _diff(plan: GroupPlan) -> str:
    lines = [f"+++ {plan.spec.name} rev 1"]
    for pipeline in plan.spec.pipelines:
        lines.append(f"+pipeline {pipeline.name}")
        lines += [f"+  {line}" for line in pipeline.source.splitlines()]
    for route in plan.spec.routes:
        types = ", ".join(route.event_types)
        lines.append(f"+route {route.from_pipeline} -> {route.to_pipeline}: {types}")
    return "\n".join(lines) + "\n"


def _invalid(spec: GroupSpec, error: ClusterError, notes: list[str]) -> Json:
    return _head(spec) | {
        "valid": False,
        "diagnostics": error.details.get("diagnostics", []),
        "warnings": notes,
        "pipelines": [],
        "placements": [],
        "routes": {"added": [], "removed": [], "changed": []},
        "diff": "",
        "errors": error.details.get("errors", [{"message": error.message}]),
    }
