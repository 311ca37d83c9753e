"""A worker's membership in a cluster: does what `link_state` decides."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from engine.worker.config import WorkerConfig
from engine.worker.coordinator_client import (
    CoordinatorClient,
    CoordinatorUnreachableError,
)
from engine.worker.errors import ApiError
from engine.worker.host import PipelineHost
from engine.worker.identity import Identity
from engine.worker.link_state import (
    Answer,
    Call,
    LinkPhase,
    LinkState,
    Report,
    Send,
    StayOut,
    Wait,
)
from engine.worker.reports import LoadMeter, heartbeat_body, register_body

logger = logging.getLogger("varpulis_cluster")

BASE = "/api/v1/cluster/workers"
FAREWELL_TIMEOUT_S = 3.0


class CoordinatorLink:
    """Register, send heartbeats, do what the coordinator asks.

    Runs as one task (`run`); `say_goodbye` is called once, after that task has ended.
    Tests give their own client, `sleep` and `random`.
    """

    def __init__(
        self,
        config: WorkerConfig,
        identity: Identity,
        host: PipelineHost,
        *,
        client: CoordinatorClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random.random,  # noqa: S311 - jitter, no secret
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._host = host
        self._client = client
        self._sleep = sleep
        self._clock = clock
        self._started_at = clock()
        self._last_ok_at: float | None = None
        self._load = LoadMeter()
        self._register_headers = registration_headers(config)
        self._state = LinkState(identity.worker_id, config.coordinators, random)

    @property
    def is_registered(self) -> bool:
        """Tell whether a coordinator counts this worker as its own."""
        return self._state.phase is LinkPhase.REGISTERED

    def status(self) -> dict[str, Any]:
        """Return what /health says of the coordinator."""
        last = self._last_ok_at
        return {
            "registered": self.is_registered,
            "url": self._state.url,
            "last_ok_seconds": None if last is None else round(self._clock() - last, 1),
        }

    async def run(self) -> None:
        """Go on until the coordinator says to stay out, or until cancelled."""
        while not isinstance(step := self._state.next_step(), StayOut):
            if isinstance(step, Wait):
                await self._sleep(step.seconds)
                self._state.waited()
            else:
                await self._act_on(await self._send(step))

    async def say_goodbye(self) -> None:
        """Send the last heartbeat, if the worker is registered, and close."""
        if self.is_registered:
            try:
                async with asyncio.timeout(FAREWELL_TIMEOUT_S):
                    await self._beat(self._state.url, stopping=True)
            except (CoordinatorUnreachableError, TimeoutError) as error:
                logger.warning("The last heartbeat did not arrive: %s", error)
        await self._client.close()

    async def _send(self, step: Send) -> Report:
        try:
            if step.call is Call.REGISTER:
                answer = await self._register(step.url)
            else:
                answer = await self._beat(step.url, stopping=False)
        except CoordinatorUnreachableError as error:
            return self._state.failed(str(error))
        if answer.status < 300:
            self._last_ok_at = self._clock()
        return self._state.answered(answer)

    async def _register(self, url: str) -> Answer:
        body = register_body(self._identity, self._host.all(), self._load.read())
        return await self._client.post(
            f"{url}{BASE}/register", body, self._register_headers
        )

    async def _beat(self, url: str, *, stopping: bool) -> Answer:
        body = heartbeat_body(
            self._identity,
            self._host.all(),
            self._host.totals(),
            load=self._load.read(),
            uptime_s=self._clock() - self._started_at,
            stopping=stopping,
        )
        worker = quote(self._identity.worker_id, safe="")
        headers = {"x-api-key": self._identity.api_key}
        return await self._client.post(f"{url}{BASE}/{worker}/heartbeat", body, headers)

    async def _act_on(self, report: Report) -> None:
        if report.message:
            logger.log(logging.getLevelName(report.level.upper()), report.message)
        if report.drop_cluster_pipelines:
            await self._remove(
                [item.id for item in self._host.all() if item.deployment.group_id],
                "replaced by another process",
            )
        await self._do_actions(report.actions)

    async def _do_actions(self, actions: Sequence[Mapping[str, Any]]) -> None:
        for action in actions:
            name, pipeline_id = action.get("action"), action.get("pipeline_id")
            if name == "remove_pipeline" and isinstance(pipeline_id, str):
                await self._remove([pipeline_id], str(action.get("reason", "")))
            else:
                logger.warning("Unknown action %r of the coordinator, left out", name)

    async def _remove(self, pipeline_ids: Sequence[str], reason: str) -> None:
        await asyncio.gather(*(self._remove_one(item, reason) for item in pipeline_ids))

    async def _remove_one(self, pipeline_id: str, reason: str) -> None:
        try:
            hosted = self._host.get(pipeline_id)
            if hosted.deployment.group_id is None:
                logger.warning(
                    "Pipeline '%s' was put here by hand and stays", hosted.name
                )
                return
            await self._host.remove(pipeline_id)
        except ApiError:
            return  # gone already: what the coordinator wants holds
        logger.info("Removed pipeline '%s': %s", hosted.name, reason)


def registration_headers(config: WorkerConfig) -> dict[str, str]:
    """Return the credentials for registering: never this worker's own key."""
    headers = {}
    if config.coordinator_api_key:
        headers["x-api-key"] = config.coordinator_api_key
    if config.join_token:
        headers["x-join-token"] = config.join_token
    return headers
