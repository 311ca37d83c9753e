"""Hand a body to the worker of a pipeline, with the one retry that is allowed."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import DatabaseError

from cluster.exceptions import ClusterError, WorkerCallError
from cluster.hot.database_thread import DatabaseThread
from cluster.hot.lost_pipeline import deploy_lost_pipeline
from cluster.hot.routing_table import RoutingTable
from cluster.hot.targets import find_group, find_placement, unavailable
from cluster.hot.worker_answer import error_of, is_missing_pipeline
from cluster.hot.worker_connection import WorkerReply
from cluster.hot.worker_session import Deadline, Letter, WorkerSession
from cluster.routing_snapshot import RoutedGroup, RoutedPlacement
from cluster.services.reachability import record_call

logger = logging.getLogger("varpulis_cluster")

ANSWERED = frozenset({200, 202})
REFUSED = 502
Delivered = tuple[RoutedPlacement, bytes]
Outcome = WorkerReply | WorkerCallError  # of one call to a worker


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Delivery:
    """Calls workers for inject and inject-batch.

    Retried once: when the worker does not know the pipeline (it is deployed again
    first), and when a connection was refused but the placement has another address
    meanwhile. Nothing else is, because the event may have been processed.
    """

    def __init__(
        self,
        table: RoutingTable,
        workers: WorkerSession,
        database: DatabaseThread,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Keep what is needed to find and to call workers."""
        self._table = table
        self._workers = workers
        self._database = database
        self._now = now
        self._stumbled: set[str] = set()
        self._background: set[asyncio.Task[None]] = set()

    async def deliver(
        self,
        group: RoutedGroup,
        pipeline: str,
        call: str,
        body: bytes,
        *,
        deadline: Deadline,
        media_type: str = "application/json",
    ) -> Delivered:
        """Return who took it and what it answered; a refusal raises its error."""
        letter = Letter(call, body, media_type, deadline)
        place = await find_placement(
            self._table, group, pipeline, left_s=deadline.left_s()
        )
        try:
            outcome: Outcome = await self._call(place, letter)
        except WorkerCallError as error:
            outcome = error
        return await self.settle(group, place, letter, outcome)

    async def settle(
        self,
        group: RoutedGroup,
        place: RoutedPlacement,
        letter: Letter,
        outcome: Outcome,
    ) -> Delivered:
        """Return what the first call came to, after the one retry if it is due."""
        if isinstance(outcome, WorkerCallError):
            place = await self._moved(group, place, outcome, letter.deadline)
            outcome = await self._call(place, letter)
        if is_missing_pipeline(*outcome):
            place = await self._redeployed(group, place, letter.deadline)
            outcome = await self._call(place, letter)
        status, raw = outcome
        if status not in ANSWERED:
            raise error_of(place, status, raw)
        return place, raw

    def note(self, worker_id: str, error: WorkerCallError | None) -> None:
        """Count a call for the worker's reachability; `error` is why it failed."""
        if error is not None and error.counts_as_failed:
            self._stumbled.add(worker_id)
            self._count(worker_id, failed=True)
        elif error is None and worker_id in self._stumbled:
            self._stumbled.discard(worker_id)
            self._count(worker_id, failed=False)

    async def stop(self) -> None:
        """Wait until what was counted is stored."""
        if self._background:
            await asyncio.gather(*self._background)

    async def _call(self, place: RoutedPlacement, letter: Letter) -> WorkerReply:
        worker_id = place.worker_id or ""
        try:
            reply = await self._workers.post(place, letter)
        except WorkerCallError as error:
            self.note(worker_id, error)
            raise
        self.note(worker_id, None)
        return reply

    async def _moved(
        self,
        group: RoutedGroup,
        place: RoutedPlacement,
        error: WorkerCallError,
        deadline: Deadline,
    ) -> RoutedPlacement:
        """Return the placement if it was refused there and is elsewhere now."""
        if error.error_status != REFUSED:
            raise error
        try:
            await self._table.current()
            newer = await self._newest(group, place.pipeline_name, deadline)
        except ClusterError:
            raise error from None
        if newer.address == place.address:
            raise error
        return newer

    async def _redeployed(
        self, group: RoutedGroup, place: RoutedPlacement, deadline: Deadline
    ) -> RoutedPlacement:
        await self._database.run(
            deploy_lost_pipeline, group_id=group.id, lost=place, now=self._now()
        )
        await self._table.current()
        newer = await self._newest(group, place.pipeline_name, deadline)
        if newer.pipeline_id == place.pipeline_id:
            raise unavailable(place, "is unknown to its worker and not deployed yet")
        return newer

    async def _newest(
        self, group: RoutedGroup, pipeline: str, deadline: Deadline
    ) -> RoutedPlacement:
        newer = find_group(self._table.latest, str(group.id))
        return await find_placement(
            self._table, newer, pipeline, left_s=deadline.left_s()
        )

    def _count(self, worker_id: str, *, failed: bool) -> None:
        """Count the call for reachability, without letting the caller wait for it."""
        task = asyncio.create_task(self._record(worker_id, failed))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _record(self, worker_id: str, failed: bool) -> None:
        try:
            await self._database.run(
                record_call, worker_id=worker_id, failed=failed, now=self._now()
            )
        except DatabaseError as error:
            logger.warning("A failed call to %s was not counted: %s", worker_id, error)
