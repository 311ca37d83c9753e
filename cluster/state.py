"""Statuses and the tables of their allowed changes (api.md 5.5 and 6.2)."""

from enum import StrEnum


class WorkerStatus(StrEnum):
    """What the coordinator believes of a worker."""

    REGISTERING = "registering"
    READY = "ready"
    BUSY = "busy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"


class PlacementStatus(StrEnum):
    """State of one pipeline of a group, spelled as the API answers it."""

    DEPLOYING = "Deploying"
    RUNNING = "Running"
    FAILED = "Failed"
    STOPPED = "Stopped"
    PAUSED = "Paused"


class GroupStatus(StrEnum):
    """State of a pipeline group."""

    DEPLOYING = "deploying"
    RUNNING = "running"
    PARTIALLY_RUNNING = "partially_running"
    DEGRADED = "degraded"
    FAILED = "failed"
    TORN_DOWN = "torn_down"


class IllegalTransitionError(ValueError):
    """A status change that the tables do not allow: a bug of the caller."""


_W = WorkerStatus
WORKER_TRANSITIONS: frozenset[tuple[WorkerStatus, WorkerStatus]] = frozenset({
    (_W.REGISTERING, _W.READY),
    (_W.REGISTERING, _W.BUSY),
    (_W.REGISTERING, _W.UNHEALTHY),
    (_W.READY, _W.BUSY),
    (_W.READY, _W.UNHEALTHY),
    (_W.READY, _W.DRAINING),
    (_W.BUSY, _W.READY),
    (_W.BUSY, _W.UNHEALTHY),
    (_W.BUSY, _W.DRAINING),
    (_W.UNHEALTHY, _W.READY),
    (_W.UNHEALTHY, _W.BUSY),
    (_W.UNHEALTHY, _W.DRAINING),
    (_W.DRAINING, _W.READY),
    (_W.DRAINING, _W.BUSY),
    (_W.DRAINING, _W.UNHEALTHY),
})

_P = PlacementStatus
PLACEMENT_TRANSITIONS: frozenset[tuple[PlacementStatus, PlacementStatus]] = frozenset({
    (_P.DEPLOYING, _P.RUNNING),
    (_P.DEPLOYING, _P.FAILED),
    (_P.DEPLOYING, _P.STOPPED),
    (_P.RUNNING, _P.DEPLOYING),
    (_P.RUNNING, _P.FAILED),
    (_P.RUNNING, _P.STOPPED),
    (_P.RUNNING, _P.PAUSED),
    (_P.PAUSED, _P.RUNNING),
    (_P.PAUSED, _P.DEPLOYING),
    (_P.PAUSED, _P.FAILED),
    (_P.PAUSED, _P.STOPPED),
    (_P.FAILED, _P.DEPLOYING),
    (_P.FAILED, _P.RUNNING),
    (_P.FAILED, _P.STOPPED),
})

_G = GroupStatus
GROUP_TRANSITIONS: frozenset[tuple[GroupStatus, GroupStatus]] = frozenset({
    (_G.DEPLOYING, _G.RUNNING),
    (_G.DEPLOYING, _G.PARTIALLY_RUNNING),
    (_G.DEPLOYING, _G.DEGRADED),
    (_G.DEPLOYING, _G.FAILED),
    (_G.DEPLOYING, _G.TORN_DOWN),
    (_G.RUNNING, _G.DEGRADED),
    (_G.RUNNING, _G.FAILED),
    (_G.RUNNING, _G.TORN_DOWN),
    (_G.PARTIALLY_RUNNING, _G.RUNNING),
    (_G.PARTIALLY_RUNNING, _G.DEGRADED),
    (_G.PARTIALLY_RUNNING, _G.FAILED),
    (_G.PARTIALLY_RUNNING, _G.TORN_DOWN),
    (_G.DEGRADED, _G.RUNNING),
    (_G.DEGRADED, _G.FAILED),
    (_G.DEGRADED, _G.TORN_DOWN),
    (_G.FAILED, _G.DEPLOYING),
    (_G.FAILED, _G.RUNNING),
    (_G.FAILED, _G.DEGRADED),
    (_G.FAILED, _G.TORN_DOWN),
})

TRANSITIONS = WORKER_TRANSITIONS | PLACEMENT_TRANSITIONS | GROUP_TRANSITIONS

Status = WorkerStatus | PlacementStatus | GroupStatus


def check_transition(old: Status, new: Status) -> None:
    """Raise IllegalTransitionError unless `old` may become `new` (equal is fine)."""
    if old != new and (old, new) not in TRANSITIONS:
        raise IllegalTransitionError(f"{old.value} may not become {new.value}")
