"""When the snapshot in memory is replaced."""

import asyncio
from typing import Any

from django.db import OperationalError

from cluster.hot.routing_table import RoutingTable
from cluster.routing_snapshot import RoutingSnapshot
from cluster.services.notify import EventRecorded, TopologyChanged
from tests.unit.cluster.hot.test_targets import Inline, make_group, make_snapshot


class Shelf:
    """Gives the newest snapshot and counts how often it was asked."""

    def __init__(self) -> None:
        self.version = 1
        self.reads = 0
        self.error: Exception | None = None

    def load(self) -> RoutingSnapshot:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return make_snapshot(make_group(), version=self.version)


def table_on(shelf: Shelf) -> RoutingTable:
    table = RoutingTable(Inline(), load=shelf.load)  # type: ignore[arg-type]
    table._install(shelf.load())
    shelf.reads = 0
    return table


def change(version: int) -> TopologyChanged:
    return TopologyChanged(version, frozenset(), frozenset())


async def test_without_a_change_nothing_is_read() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    for _ in range(3):
        assert (await table.current()).version == 1
    assert shelf.reads == 0


async def test_after_a_change_the_next_caller_sees_it() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    shelf.version = 2
    table._heard(change(2))
    assert (await table.current()).version == 2


async def test_many_callers_share_one_read() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    shelf.version = 2
    table._heard(change(2))
    await asyncio.gather(*(table.current() for _ in range(20)))
    assert shelf.reads == 1


async def test_an_event_of_the_history_changes_no_route() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    table._heard(EventRecorded({}))
    await table.current()
    assert shelf.reads == 0


async def test_the_old_routes_hold_while_the_database_is_away() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    shelf.error = OperationalError("away")
    table._heard(change(2))
    for _ in range(5):
        assert (await table.current()).version == 1
    assert shelf.reads == 1  # not once per request


async def test_a_remembered_route_is_forgotten_with_its_snapshot() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    group: Any = make_group()
    first = table.target(group, "Scan_1")
    assert table.target(group, "Scan_1") is first
    table._install(make_snapshot(group, version=2))
    assert table.target(group, "Scan_1") is not first
