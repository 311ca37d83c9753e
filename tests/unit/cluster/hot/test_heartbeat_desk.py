"""Which reports are stored at once and which wait for company."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError

from cluster.hot.heartbeat_desk import HeartbeatDesk
from cluster.routing_snapshot import KnownWorker
from cluster.services.heartbeats import Heartbeat, HeartbeatOutcome, HeartbeatVerdict
from cluster.state import PlacementStatus, WorkerStatus

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TAKEN = HeartbeatOutcome(HeartbeatVerdict.ACKNOWLEDGED)
RUNNING = [{"id": "p", "generation": 1, "status": "running"}]


class Ledger:
    """Stands where the database is; writes down what it is given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.outcome = TAKEN
        self.error: Exception | None = None

    async def run(self, function: Any, *args: Any) -> Any:
        return function(*args)

    def record(
        self, beats: Sequence[Heartbeat], now: datetime
    ) -> dict[str, HeartbeatOutcome]:
        assert now == NOW
        if self.error is not None:
            raise self.error
        self.batches.append([beat.worker_id for beat in beats])
        return {beat.worker_id: self.outcome for beat in beats}


def desk_on(ledger: Ledger) -> HeartbeatDesk:
    return HeartbeatDesk(ledger, record=ledger.record, now=lambda: NOW)  # type: ignore[arg-type]


def known(**changes: Any) -> KnownWorker:
    facts: dict[str, Any] = {
        "id": "w",
        "key_hash": "h",
        "instance_id": "i",
        "status": WorkerStatus.READY,
        "deregistered": False,
        "keeps_pipelines": False,
        "pipelines": {"p": (1, PlacementStatus.RUNNING)},
    }
    return KnownWorker(**facts | changes)


def beat(worker_id: str = "w", **changes: Any) -> Heartbeat:
    return Heartbeat(worker_id=worker_id, **{"pipelines": RUNNING} | changes)


async def settled(desk: HeartbeatDesk, ledger: Ledger) -> None:
    """Let the worker's usual report be known."""
    await take(desk, beat(), known())
    ledger.batches.clear()


async def take(
    desk: HeartbeatDesk, report: Heartbeat, worker: KnownWorker, version: int = 1
) -> HeartbeatOutcome:
    task = asyncio.ensure_future(desk.take(report, worker, version))
    await asyncio.sleep(0)
    await desk.flush()
    return await task


async def test_the_first_report_is_stored_before_it_is_answered() -> None:
    ledger = Ledger()
    await take(desk_on(ledger), beat(), known())
    assert ledger.batches == [["w"]]


async def test_an_equal_report_waits() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    assert await desk.take(beat(events_processed=5), known(), 1) == TAKEN
    assert ledger.batches == []
    await desk.flush()
    assert ledger.batches == [["w"]]


async def test_the_newest_of_several_waiting_reports_counts() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    for count in range(3):
        await desk.take(beat(events_processed=count), known(), 1)
    await desk.flush()
    assert ledger.batches == [["w"]]


@pytest.mark.parametrize(
    ("report", "worker", "version"),
    [
        (beat(pipelines=[]), known(), 1),
        (beat(pipelines=[{**RUNNING[0], "status": "failed"}]), known(), 1),
        (beat(stopping=True), known(), 1),
        (beat(), known(status=WorkerStatus.UNHEALTHY), 1),
        (beat(), known(status=WorkerStatus.REGISTERING), 1),
        (beat(), known(deregistered=True), 1),
        (beat(instance_id="other"), known(), 1),
        (beat(), known(pipelines={"p": (2, PlacementStatus.RUNNING)}), 1),
        (beat(), known(pipelines={}), 1),
    ],
    ids=[
        "another list",
        "another status",
        "stopping",
        "was unhealthy",
        "just registered",
        "deregistered",
        "another process",
        "a newer generation is wanted",
        "it was moved away",
    ],
)
async def test_a_telling_report_is_stored_at_once(
    report: Heartbeat, worker: KnownWorker, version: int
) -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    await take(desk, report, worker, version)
    assert ledger.batches == [["w"]]


async def test_a_change_elsewhere_makes_no_report_tell_anything() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    assert await desk.take(beat(), known(), 2) == TAKEN
    assert ledger.batches == []


async def test_any_change_may_place_a_pipeline_that_runs_where_it_should_not() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    stray = known(pipelines={})
    for version in (1, 1, 2):
        await take(desk, beat(), stray, version)
    assert ledger.batches == [["w"], ["w"], ["w"]]
    assert await desk.take(beat(), stray, 2) == TAKEN
    assert len(ledger.batches) == 3
    waiting = asyncio.ensure_future(desk.take(beat(), stray, 3))
    await asyncio.sleep(0)
    assert not waiting.done()
    await desk.flush()
    assert await waiting == TAKEN


async def test_an_answer_with_actions_is_asked_for_again_next_time() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    remove = {"action": "remove_pipeline", "pipeline_id": "p", "reason": "orphan"}
    ledger.outcome = HeartbeatOutcome(HeartbeatVerdict.ACKNOWLEDGED, (remove,))
    for _ in range(2):
        outcome = await take(desk, beat(), known())
        assert outcome.actions == (remove,)
    assert ledger.batches == [["w"], ["w"]]


async def test_the_writer_stores_without_being_asked() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await desk.start()
    assert await desk.take(beat(), known(), 1) == TAKEN
    assert ledger.batches == [["w"]]
    await desk.stop()


async def test_stopping_stores_what_waits() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    await desk.start()
    await desk.take(beat(), known(), 1)
    await desk.stop()
    assert ledger.batches == [["w"]]


async def test_plain_reports_are_kept_while_the_database_is_away() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    await settled(desk, ledger)
    await desk.take(beat(), known(), 1)
    ledger.error = OperationalError("locked")
    await desk.flush()
    ledger.error = None
    await desk.flush()
    assert ledger.batches == [["w"]]


async def test_whoever_waits_for_an_answer_gets_the_error() -> None:
    ledger = Ledger()
    desk = desk_on(ledger)
    ledger.error = OperationalError("locked")
    with pytest.raises(OperationalError):
        await take(desk, beat(), known())
