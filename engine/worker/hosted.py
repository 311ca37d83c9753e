"""One pipeline on this worker: its identity, its threads and its input queue."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from engine import EngineError, Pipeline, QueueFullError
from engine.worker.bounded import plainness_of
from engine.worker.connector_use import ConnectorUse, connector_uses
from engine.worker.deployment import Deployment
from engine.worker.errors import queue_full
from engine.worker.latency import LatencyHistogram
from engine.worker.output_log import OutputLog
from engine.worker.seen_ids import SeenIds
from vpl import output_types

if TYPE_CHECKING:
    from engine.worker.checkpoint_store import Saved

logger = logging.getLogger("varpulis")

T = TypeVar("T")

PARALLEL_CALLS = 32  # events under way in a pipeline with contexts

OnTaken = Callable[[], None]
Work = Callable[[OnTaken], T]
"""Something to do with a pipeline; calls back once later work cannot overtake it."""


class HostedPipeline:
    """A running pipeline with threads of its own, into which events go in order.

    A pipeline without contexts has one thread; one with contexts has several, as each
    waits for its event while the contexts work side by side. All methods belong to the
    event loop's thread. `queue_depth` counts events that wait or run.
    """

    def __init__(
        self,
        pipeline_id: str,
        deployment: Deployment,
        pipeline: Pipeline,
        *,
        queue_limit: int,
    ) -> None:
        self.id = pipeline_id
        self.deployment = deployment
        self.pipeline = pipeline
        self.output_log = OutputLog(pipeline.watch)
        self.checkpoint: Saved | None = None
        self.queue_limit = queue_limit
        self.queue_depth = 0
        self.latency = LatencyHistogram()
        self.checkpoint_time = LatencyHistogram()
        self.seen_ids = SeenIds(time.monotonic)
        self.started_at = time.monotonic()
        self._room = asyncio.Event()
        self._know()
        self._threads = self._make_threads()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._last_taken = threading.Event()
        self._last_taken.set()

    def _know(self) -> None:
        """Find out about the program that runs now."""
        program = self.pipeline.program
        self.plainness = plainness_of(program)
        self.output_types = output_types(program)
        self._quick_bytes = self._quick()

    def _quick(self) -> int:
        """Return up to how many bytes of events are handled on the event loop."""
        # What sources bring may hold the pipeline up, which must not hold up the loop.
        has_sources = bool(self.pipeline.subscriptions)
        if self.plainness is None or has_sources:
            return -1
        return self.plainness.most_bytes

    def _make_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(
            PARALLEL_CALLS if self.pipeline.is_parallel else 1,
            thread_name_prefix=f"pipeline-{self.name}",
        )

    def reloaded(self, deployment: Deployment) -> None:
        """Go on with another program, which the pipeline runs already."""
        self.deployment = deployment
        self._know()
        before, self._threads = self._threads, self._make_threads()
        before.shutdown(wait=False)

    @property
    def name(self) -> str:
        """Return the pipeline's name."""
        return self.deployment.name

    @property
    def uptime_s(self) -> float:
        """Return how long this pipeline has been running."""
        return time.monotonic() - self.started_at

    def check_room(self) -> None:
        """Raise 429 if the input queue is full."""
        if self.queue_depth >= self.queue_limit:
            raise queue_full(
                f"pipeline {self.name!r} has {self.queue_limit} events waiting"
            )

    async def wait_for_room(self) -> None:
        """Wait until the input queue has room: back-pressure on streams of events."""
        while self.queue_depth >= self.queue_limit:
            self._room.clear()
            await self._room.wait()

    async def run(
        self, work: Work[T], *, events: int, size: int, timeout_s: float | None = None
    ) -> T | None:
        """Do `work` in its turn and return its result.

        `events` counts towards the queue; `size` is the payload's in bytes. Returns
        None if it is not done after `timeout_s`; it is then done later all the same.
        """
        if self.runs_at_once(size):
            return self.run_at_once(work)
        future = self.submit(work, events=events)
        await asyncio.wait((future,), timeout=timeout_s)
        return future.result() if future.done() else None

    def runs_at_once(self, size: int) -> bool:
        """Tell whether a payload of `size` bytes may run on the event loop just now."""
        return size <= self._quick_bytes and not self.queue_depth

    def run_at_once(self, work: Work[T]) -> T:
        """Do work that `runs_at_once` and return its result."""
        started = time.perf_counter()
        result = work(_pass)
        self.latency.observe(time.perf_counter() - started)
        return result

    def submit(self, work: Work[T], *, events: int) -> "asyncio.Future[T]":
        """Queue `work` and return a future of its result.

        Cancelling the future could let later work overtake: wait for it instead.
        """
        self.queue_depth += events
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, self._in_order(work))
        self._under_way.add(future)

        def settle(done: "asyncio.Future[T]") -> None:
            self._under_way.discard(done)
            self.queue_depth -= events
            self._room.set()
            self.latency.observe(time.perf_counter() - started)
            if done.cancelled() or (error := done.exception()) is None:
                return
            if not isinstance(error, EngineError):  # those are the caller's affair
                logger.error("pipeline '%s' failed", self.name, exc_info=error)

        future.add_done_callback(settle)
        return future

    def report_lost(self, done: "asyncio.Future[Any]") -> None:
        """Log events that were accepted and found no room later."""
        error = None if done.cancelled() else done.exception()
        if isinstance(error, QueueFullError):
            logger.warning("accepted events are lost: %s", error)

    def _in_order(self, work: Work[T]) -> Callable[[], T]:
        """Return `work` so that it begins when what came before has its place.

        Threads take up work in order; so the one before has begun when this one waits.
        """
        before, taken = self._last_taken, threading.Event()
        self._last_taken = taken

        def run() -> T:
            before.wait()
            try:
                return work(taken.set)
            finally:
                taken.set()

        return run

    async def silence(self, timeout_s: float) -> bool:
        """Do the queued work and let sources bring no more; False if it takes longer.

        Afterwards nothing changes the state of the pipeline but time.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=timeout_s)
            if late:
                return False
        left_s = max(0.0, ends - loop.time())
        await loop.run_in_executor(self._threads, self.pipeline.silence, left_s)
        return True

    async def close(self, timeout_s: float) -> bool:
        """End the pipeline after its queued work; False if it takes longer."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=timeout_s)
        self.output_log.close()
        left_s = max(0.0, ends - loop.time())
        closing = loop.run_in_executor(self._threads, self.pipeline.close, left_s)
        self._threads.shutdown(wait=False)
        done, _ = await asyncio.wait((closing,), timeout=left_s)
        if done and (error := closing.exception()):
            logger.error("pipeline '%s' did not close", self.name, exc_info=error)
        return bool(done)

    def abandon(self) -> None:
        """Drop queued work; what runs just now cannot be stopped from outside."""
        self.output_log.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def connectors(self) -> list[ConnectorUse]:
        """Return sources and sinks as they are now."""
        return connector_uses(self.pipeline.subscriptions, self.pipeline.connections)

    def faults(self) -> Sequence[Mapping[str, Any]]:
        """Return the connectors that are not connected, as /ready lists them."""
        return [
            {
                "pipeline": self.name,
                "connector": used.spec.name,
                "error": used.status.get("error") or "not connected",
            }
            for used in self.connectors()
            if not used.connected
        ]


def _pass() -> None:
    """Do nothing: work on the event loop is never overtaken."""
