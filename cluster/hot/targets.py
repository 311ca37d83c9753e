"""Which group and which worker a call of the hot path means (api.md 6.5)."""

from dataclasses import dataclass
from uuid import UUID

from cluster.event_routing import RouteMatch
from cluster.exceptions import (
    ConflictError,
    GroupNotFoundError,
    NoRouteError,
    PlacementUnavailableError,
)
from cluster.hot.routing_table import RoutingTable
from cluster.routing_snapshot import RoutedGroup, RoutedPlacement, RoutingSnapshot
from cluster.state import PlacementStatus

BY_NAME = "by-name/"
LONGEST_WAIT_S = 5.0  # for a placement that is on its way to a worker
TAKES_EVENTS = frozenset({PlacementStatus.RUNNING, PlacementStatus.PAUSED})


class AmbiguousNameError(ConflictError):
    """More than one group bears the name."""

    code = "ambiguous_name"


class GroupTornDownError(GroupNotFoundError):
    """The group stood once."""

    code = "group_torn_down"


@dataclass(frozen=True, slots=True)
class Target:
    """Where an event goes: the pipeline, its worker, and the route that says so."""

    match: RouteMatch
    placement: RoutedPlacement


def find_group(snapshot: RoutingSnapshot, selector: str) -> RoutedGroup:
    """Return the group named by an id, or by `by-name/<name>`; raises 404 or 409."""
    if selector.startswith(BY_NAME):
        return _by_name(snapshot, selector.removeprefix(BY_NAME))
    try:
        group_id = UUID(selector)
    except ValueError:
        raise _no_group(selector) from None
    group = snapshot.groups.get(group_id)
    if group is not None:
        return group
    if group_id in snapshot.torn_down:
        raise GroupTornDownError(f"pipeline group {selector} was torn down")
    raise _no_group(selector)


async def standing_group(table: RoutingTable, selector: str) -> RoutedGroup:
    """Return what `find_group` does, another process's newest groups included."""
    snapshot = await table.current()
    try:
        return find_group(snapshot, selector)
    except GroupNotFoundError:
        await table.catch_up()
        return find_group(table.latest, selector)


def match_target(
    table: RoutingTable, group: RoutedGroup, event_type: str
) -> RouteMatch:
    """Return the route that takes an event type; raises 422 `no_route`."""
    match = table.target(group, event_type)
    if match is None:
        raise NoRouteError(f"no route takes {event_type!r}")
    return match


async def find_placement(
    table: RoutingTable, group: RoutedGroup, pipeline: str, *, left_s: float
) -> RoutedPlacement:
    """Return a placement that can be called now; raises 503 when there is none.

    A placement on its way to a worker is waited for, at most five seconds.
    """
    placement = group.placements[pipeline]
    wait_s = min(LONGEST_WAIT_S, left_s)
    while placement.status is PlacementStatus.DEPLOYING:
        snapshot = table.latest
        if not await table.newer_than(snapshot.version, wait_s):
            raise unavailable(placement, "is still being deployed")
        wait_s = min(wait_s, LONGEST_WAIT_S)
        placement = _again(table, group, pipeline)
    why = why_unavailable(placement)
    if why is not None:
        raise unavailable(placement, why)
    return placement


def why_unavailable(placement: RoutedPlacement) -> str | None:
    """Return why a placement cannot be called just now, None if it can."""
    if placement.worker_id is None or placement.address is None:
        return "has no worker just now"
    if placement.status not in TAKES_EVENTS:
        return f"is {placement.status.value.lower()}"
    if not placement.reachable:
        return f"is on worker '{placement.worker_id}', which does not answer"
    return None


def unavailable(placement: RoutedPlacement, why: str) -> PlacementUnavailableError:
    """Return 503 with the time after which trying again makes sense."""
    return PlacementUnavailableError(
        f"pipeline '{placement.pipeline_name}' {why}; try again",
        details={"worker_id": placement.worker_id},
        retry_after_s=LONGEST_WAIT_S,
    )


def _again(table: RoutingTable, group: RoutedGroup, pipeline: str) -> RoutedPlacement:
    newer = find_group(table.latest, str(group.id))
    try:
        return newer.placements[pipeline]
    except KeyError:
        raise NoRouteError(
            f"pipeline {pipeline!r} is no longer part of group {group.name!r}"
        ) from None


def _by_name(snapshot: RoutingSnapshot, name: str) -> RoutedGroup:
    ids = snapshot.group_ids_by_name.get(name, ())
    if len(ids) > 1:
        raise AmbiguousNameError(
            f"{len(ids)} groups are named '{name}'; use one of their ids",
            details={"group_ids": [str(group_id) for group_id in ids]},
        )
    if not ids:
        raise _no_group(name)
    return snapshot.groups[ids[0]]


def _no_group(selector: str) -> GroupNotFoundError:
    return GroupNotFoundError(f"no pipeline group '{selector}'")
