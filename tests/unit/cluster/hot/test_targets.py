"""Which group and which placement a call means."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from cluster.event_routing import RouteRule
from cluster.exceptions import (
    ClusterError,
    GroupNotFoundError,
    NoRouteError,
    PlacementUnavailableError,
)
from cluster.hot import routing_table
from cluster.hot.routing_table import RoutingTable
from cluster.hot.targets import (
    find_group,
    find_placement,
    match_target,
    standing_group,
)
from cluster.routing_snapshot import RoutedGroup, RoutedPlacement, RoutingSnapshot
from cluster.state import GroupStatus, PlacementStatus
from tests.unit.cluster.hot.test_inject_event import PLACE

ONE, TWO, GONE, NEVER = (UUID(int=n) for n in range(1, 5))


def make_group(
    group_id: UUID = ONE, place: RoutedPlacement = PLACE, default_route: str = "first"
) -> RoutedGroup:
    return RoutedGroup(
        id=group_id,
        name="parcels",
        status=GroupStatus.RUNNING,
        default_route=default_route,
        routes=(RouteRule("_external", "intake", ("Scan*",)),),
        placements={"intake": place},
    )


def make_snapshot(*groups: RoutedGroup, version: int = 1) -> RoutingSnapshot:
    names: dict[str, tuple[UUID, ...]] = {}
    for group in groups:
        names[group.name] = (*names.get(group.name, ()), group.id)
    by_id: Mapping[UUID, RoutedGroup] = {group.id: group for group in groups}
    return RoutingSnapshot("c", version, by_id, names, frozenset({GONE}), {})


class Inline:
    """A database thread that runs calls where it stands."""

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


def table_of(*snapshots: RoutingSnapshot) -> RoutingTable:
    waiting = list(snapshots)
    table = RoutingTable(Inline(), load=lambda: waiting.pop(0))  # type: ignore[arg-type]
    table._install(waiting.pop(0))
    return table


def refusal(selector: str, *groups: RoutedGroup) -> str:
    with pytest.raises(ClusterError) as caught:
        find_group(make_snapshot(*groups), selector)
    return caught.value.error_code


async def test_a_group_that_another_process_made_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routing_table, "_read_state", lambda: (2, None))
    table = table_of(make_snapshot(), make_snapshot(make_group(), version=2))
    assert (await standing_group(table, str(ONE))).id == ONE
    with pytest.raises(GroupNotFoundError):
        await standing_group(table, str(NEVER))


@pytest.mark.parametrize("selector", [str(ONE), f"{ONE}".upper(), "by-name/parcels"])
def test_a_group_is_found_by_id_and_by_name(selector: str) -> None:
    assert find_group(make_snapshot(make_group()), selector).id == ONE


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        (str(NEVER), "group_not_found"),
        ("no-such-group", "group_not_found"),
        ("by-name/none", "group_not_found"),
        (str(GONE), "group_torn_down"),
    ],
)
def test_an_unknown_group_says_how_it_is_unknown(selector: str, code: str) -> None:
    assert refusal(selector, make_group()) == code


def test_a_name_that_two_groups_bear_is_ambiguous() -> None:
    both = make_group(ONE), make_group(TWO)
    assert refusal("by-name/parcels", *both) == "ambiguous_name"


def test_the_default_takes_what_no_route_does() -> None:
    group = make_group()
    table = table_of(make_snapshot(group))
    match = match_target(table, group, "Weather")
    assert (match.to_pipeline, match.index) == ("intake", None)


def test_a_group_may_reject_what_no_route_takes() -> None:
    group = make_group(default_route="reject")
    with pytest.raises(NoRouteError, match="no route takes 'Weather'"):
        match_target(table_of(make_snapshot(group)), group, "Weather")


@pytest.mark.parametrize(
    "changes",
    [
        {"worker_id": None, "address": None},
        {"reachable": False},
        {"status": PlacementStatus.FAILED},
        {"status": PlacementStatus.STOPPED},
    ],
    ids=["no worker", "not reachable", "failed", "stopped"],
)
async def test_a_placement_nobody_can_call_is_unavailable_at_once(
    changes: dict[str, Any],
) -> None:
    group = make_group(place=replace(PLACE, **changes))
    table = table_of(make_snapshot(group))
    with pytest.raises(PlacementUnavailableError) as caught:
        await find_placement(table, group, "intake", left_s=10)
    assert caught.value.retry_after_s


async def test_a_placement_on_its_way_is_waited_for() -> None:
    moving = make_group(place=replace(PLACE, status=PlacementStatus.DEPLOYING))
    table = table_of(make_snapshot(moving))
    ready = make_group(place=replace(PLACE, generation=4))
    waiting = find_placement(table, moving, "intake", left_s=10)

    async def arrive() -> None:
        table._install(make_snapshot(ready, version=2))

    place, _ = await asyncio.gather(waiting, arrive())
    assert place.generation == 4


async def test_a_placement_that_does_not_arrive_is_unavailable() -> None:
    moving = make_group(place=replace(PLACE, status=PlacementStatus.DEPLOYING))
    table = table_of(make_snapshot(moving))
    with pytest.raises(PlacementUnavailableError, match="still being deployed"):
        await find_placement(table, moving, "intake", left_s=0)
