"""Checkpoints of this worker's pipelines: written every so often, read at the start."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from engine import CheckpointError, Pipeline, PipelineClosedError
from engine.worker.checkpoint_store import CheckpointStore
from engine.worker.hosted import HostedPipeline

logger = logging.getLogger("varpulis")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Checkpointer:
    """Writes and reads the checkpoints of pipelines by their id."""

    def __init__(self, store: CheckpointStore, now: Callable[[], str] = _now) -> None:
        self._store = store
        self._now = now

    async def run(
        self,
        pipelines: Callable[[], Iterable[HostedPipeline]],
        interval_s: float,
    ) -> None:
        """Write the state of all pipelines every `interval_s`, until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            for hosted in pipelines():
                await self.write(hosted)

    async def write(self, hosted: HostedPipeline) -> bool:
        """Write one pipeline's state; what goes wrong is logged and told by False."""
        started = time.perf_counter()
        try:
            document = await asyncio.to_thread(hosted.pipeline.checkpoint)
            hosted.checkpoint = await asyncio.to_thread(
                self._store.save, hosted.id, document, self._now()
            )
        except PipelineClosedError:
            return False
        except OSError as error:
            logger.error("'%s' has no new checkpoint: %s", hosted.name, error)
            return False
        hosted.checkpoint_time.observe(time.perf_counter() - started)
        return True

    def restore(self, pipeline_id: str, pipeline: Pipeline) -> bool:
        """Let a new pipeline go on from its last good checkpoint, if it has one."""
        for saved, document in self._store.newest(pipeline_id):
            try:
                restored = pipeline.restore(document)
            except CheckpointError as error:
                logger.error("'%s': %s", pipeline.name, error)
                continue
            logger.info(
                "'%s' goes on from its checkpoint of %s: %d streams kept, %d restarted",
                pipeline.name,
                saved.taken_at,
                len(restored.kept),
                len(restored.restarted),
            )
            return True
        return False

    def forget(self, pipeline_id: str) -> None:
        """Drop the checkpoints of a pipeline that was removed."""
        self._store.forget(pipeline_id)
