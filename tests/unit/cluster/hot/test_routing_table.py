"""When the snapshot in memory is replaced."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from cluster.hot import routing_table
from cluster.hot.routing_table import RoutingTable
from cluster.routing_snapshot import RoutingSnapshot
from cluster.services.notify import EventRecorded, TopologyChanged
from tests.unit.cluster.hot.test_heartbeat_desk import known
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


def change(version: int, *worker_ids: str) -> TopologyChanged:
    return TopologyChanged(version, frozenset(worker_ids), frozenset())


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


async def test_changes_in_a_row_are_read_once_for_who_waits() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    table._loop = asyncio.get_running_loop()
    shelf.version = 49
    for version in range(2, 50):
        table._heard(change(version))
    assert await table.newer_than(48, 60)
    assert shelf.reads == 1


async def test_changes_that_nobody_asks_for_gather(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routing_table, "SHORT_DELAY_S", 60.0)
    shelf = Shelf()
    table = table_on(shelf)
    table._loop = asyncio.get_running_loop()
    shelf.version = 49
    for version in range(2, 50):
        table._heard(change(version))
        await asyncio.sleep(0)
    assert shelf.reads == 0
    assert (await table.current()).version == 49
    assert shelf.reads == 1
    await table.stop()


async def test_who_begins_to_wait_does_not_wait_for_the_gathering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routing_table, "SHORT_DELAY_S", 60.0)
    shelf = Shelf()
    table = table_on(shelf)
    table._loop = asyncio.get_running_loop()
    shelf.version = 2
    table._heard(change(2))
    await asyncio.sleep(0)
    assert await table.newer_than(1, 60)
    await table.stop()


async def test_a_report_waits_for_changes_of_its_own_worker_only() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    table._install(replace(table.latest, workers={"a": known(), "b": known()}))
    shelf.version = 2
    table._heard(change(2, "b"))
    assert (await table.current_of("a")).version == 1
    assert (await table.current_of("b")).version == 2


async def test_a_report_waits_when_groups_changed_or_its_worker_is_new() -> None:
    shelf = Shelf()
    table = table_on(shelf)
    table._install(replace(table.latest, workers={"a": known()}))
    shelf.version = 2
    table._heard(change(2, "b"))
    assert (await table.current_of("new")).version == 2
    table._install(replace(table.latest, workers={"a": known()}))
    shelf.version = 3
    table._heard(TopologyChanged(3, frozenset({"b"}), frozenset({UUID(int=1)})))
    assert (await table.current_of("a")).version == 3
    assert table._touched == {}


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
