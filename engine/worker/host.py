"""The pipelines of this worker: deploy, find, remove, count."""

import asyncio
import logging
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import msgspec

from engine import Pipeline
from engine.checkpoint import Restored
from engine.worker.checkpointer import Checkpointer
from engine.worker.deployment import Deployment
from engine.worker.errors import (
    ApiError,
    pipeline_not_found,
    stopping,
)
from engine.worker.hosted import HostedPipeline
from engine.worker.launcher import Launcher

logger = logging.getLogger("varpulis")

CLOSE_TIMEOUT_S = 5.0
REMEMBERED_PLACEMENTS = 10_000

Placement = tuple[str | None, str, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters of the whole worker since its start."""

    pipelines: int
    streams: int
    events_in: int
    events_out: int


class DeploymentStore(Protocol):
    """Where deployments survive a restart; calls block for a short time."""

    def save(self, deployment: Deployment) -> None:
        """Keep a deployment, whose `id` is set."""

    def forget(self, pipeline_id: str) -> None:
        """Drop a deployment; unknown ids are fine."""

    def load(self) -> list[Deployment]:
        """Return what was kept, oldest first."""


class PipelineHost:
    """Keep the running pipelines by id, in the order of their deploys.

    Deploys are idempotent by id, and an older generation of a placement is refused
    for as long as this process remembers the newer one. With a checkpointer new
    pipelines go on from their last checkpoint.
    """

    def __init__(
        self,
        launcher: Launcher,
        *,
        max_pipelines: int,
        queue_limit: int,
        store: DeploymentStore | None = None,
        checkpointer: Checkpointer | None = None,
    ) -> None:
        self.max_pipelines = max_pipelines
        self.queue_limit = queue_limit
        self.is_stopping = False
        self._launcher = launcher
        self._store = store
        self._checkpointer = checkpointer
        self._hosted: dict[str, HostedPipeline] = {}
        self._generations: OrderedDict[Placement, int] = OrderedDict()
        self._deploying = asyncio.Lock()
        self._leaving: list[HostedPipeline] = []
        self._gone_in = 0
        self._gone_out = 0

    def __len__(self) -> int:
        return len(self._hosted)

    def all(self) -> tuple[HostedPipeline, ...]:
        """Return the pipelines, oldest deploy first."""
        return tuple(self._hosted.values())

    def get(self, pipeline_id: str) -> HostedPipeline:
        """Return one pipeline; raises 404."""
        try:
            return self._hosted[pipeline_id]
        except KeyError:
            raise pipeline_not_found(pipeline_id) from None

    def refuse_when_stopping(self) -> None:
        """Raise 503 once the worker has begun to stop."""
        if self.is_stopping:
            raise stopping()

    async def deploy(self, deployment: Deployment) -> tuple[HostedPipeline, bool]:
        """Run a program; returns the pipeline and whether it is new.

        The same id and generation again give the pipeline that runs already; a newer
        generation of an id is a reload of it. Raises
        ApiError 400 for a broken program, 409 `stale_generation`, 429
        `quota_exceeded`, 503 when stopping.
        """
        self.refuse_when_stopping()
        async with self._deploying:
            self._refuse_stale(deployment)
            old = self._hosted.get(deployment.id or "")
            if old and old.deployment.generation == deployment.generation:
                return old, False
            if old:
                await self.reload(old, deployment, keeps_state=True)
                self._remember(deployment)
                return old, True
            self._refuse_full()
            hosted = await self._start(deployment)
            self._remember(deployment)
            self._hosted[hosted.id] = hosted
            await self._keep(hosted)
        return hosted, True

    async def remove(self, pipeline_id: str) -> None:
        """Stop a pipeline and forget it; raises 404. Queued work is still done."""
        hosted = self.get(pipeline_id)
        del self._hosted[pipeline_id]
        self._leaving.append(hosted)
        if self._store:
            await asyncio.to_thread(self._store.forget, pipeline_id)
        await self._end(hosted)
        if self._checkpointer:
            await asyncio.to_thread(self._checkpointer.forget, pipeline_id)

    async def restore(self) -> None:
        """Run again what the store has kept; what does not compile is logged."""
        for deployment in self._store.load() if self._store else ():
            try:
                await self.deploy(deployment)
            except ApiError as error:
                logger.error("'%s' is not restored: %s", deployment.name, error)

    async def stop(self, timeout_s: float) -> bool:
        """Take nothing new, finish what is queued, close all; False if out of time."""
        self.is_stopping = True
        tasks = [self._leave(hosted, timeout_s) for hosted in self.all()]
        finished = await asyncio.gather(*tasks)
        return all(finished)

    async def _leave(self, hosted: HostedPipeline, timeout_s: float) -> bool:
        """Finish a pipeline that is to go on after a restart."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        if self._checkpointer and await hosted.silence(timeout_s):
            await self._checkpointer.write(hosted)
        return await self._close(hosted, max(0.0, ends - loop.time()))

    def totals(self) -> Totals:
        """Return the counters of the worker, removed pipelines included."""
        counted = (*self.all(), *self._leaving)
        metrics = [hosted.pipeline.metrics() for hosted in counted]
        return Totals(
            pipelines=len(self._hosted),
            streams=sum(len(hosted.pipeline.streams) for hosted in self.all()),
            events_in=self._gone_in + sum(item.events_in for item in metrics),
            events_out=self._gone_out + sum(item.events_out for item in metrics),
        )

    async def _keep(self, hosted: HostedPipeline) -> None:
        if self._store:
            kept = msgspec.structs.replace(hosted.deployment, id=hosted.id)
            await asyncio.to_thread(self._store.save, kept)

    async def _start(self, deployment: Deployment) -> HostedPipeline:
        pipeline_id = deployment.id or str(uuid.uuid4())

        def make_and_start() -> Pipeline:
            pipeline = self._launcher.make(deployment, pipeline_id)
            if self._checkpointer:
                self._checkpointer.restore(pipeline_id, pipeline)
            pipeline.run_clock()
            pipeline.start()
            return pipeline

        pipeline = await asyncio.to_thread(make_and_start)
        return HostedPipeline(
            pipeline_id, deployment, pipeline, queue_limit=self.queue_limit
        )

    async def reload(
        self, hosted: HostedPipeline, deployment: Deployment, *, keeps_state: bool
    ) -> Restored:
        """Run another program in a pipeline, between two of its events.

        Raises ApiError 400 for a broken program; the old one runs on then.
        """
        self.refuse_when_stopping()

        def exchange() -> Restored:
            return self._launcher.reload(
                hosted.pipeline, deployment, keeps_state=keeps_state
            )

        restored = await asyncio.to_thread(exchange)
        hosted.reloaded(deployment)
        await self._keep(hosted)
        return restored

    async def _end(self, hosted: HostedPipeline) -> None:
        await self._close(hosted, CLOSE_TIMEOUT_S)
        self._leaving.remove(hosted)
        metrics = hosted.pipeline.metrics()
        self._gone_in += metrics.events_in
        self._gone_out += metrics.events_out

    async def _close(self, hosted: HostedPipeline, timeout_s: float) -> bool:
        finished = await hosted.close(timeout_s)
        if not finished:
            hosted.abandon()
        return finished

    def _refuse_stale(self, deployment: Deployment) -> None:
        if deployment.group_id is None:
            return
        newest = self._generations.get(deployment.placement, 0)
        if deployment.generation < newest:
            raise ApiError(
                409,
                "stale_generation",
                f"generation {deployment.generation} of {deployment.name!r} is older "
                f"than {newest}, which this worker has seen",
                details={"generation": newest},
            )

    def _refuse_full(self) -> None:
        if len(self._hosted) >= self.max_pipelines:
            raise ApiError(
                429,
                "quota_exceeded",
                f"this worker runs {self.max_pipelines} pipelines and takes no more: "
                "remove one or raise --max-pipelines",
                details={
                    "max_pipelines": self.max_pipelines,
                    "retry_after_seconds": 30,
                },
                headers={"retry-after": "30"},
            )

    def _remember(self, deployment: Deployment) -> None:
        if deployment.group_id is None:
            return
        self._generations[deployment.placement] = deployment.generation
        self._generations.move_to_end(deployment.placement)
        if len(self._generations) > REMEMBERED_PLACEMENTS:
            self._generations.popitem(last=False)
