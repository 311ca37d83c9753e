"""The worker process from its first socket to its last heartbeat."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import uvloop

from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.registry import (
    LookupMaker,
    SinkMaker,
    SourceMaker,
    Surroundings,
)
from engine.worker.app import build_app, build_metrics_app
from engine.worker.checkpoint_store import CheckpointStore
from engine.worker.checkpointer import Checkpointer
from engine.worker.config import WorkerConfig
from engine.worker.fast_lane import FastLane
from engine.worker.host import PipelineHost
from engine.worker.identity import bracketed, make_identity
from engine.worker.launcher import Launcher
from engine.worker.listen import bind, make_server, started
from engine.worker.options import ConfigError
from engine.worker.services import Services
from engine.worker.state_dir import StateDir, state_dir_of

if TYPE_CHECKING:
    from engine.worker.coordinator_link import CoordinatorLink

logger = logging.getLogger("varpulis")

COMPILER = "engine.compiler.codegen"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_worker(config: WorkerConfig) -> None:
    """Run a worker until a signal ends it; raises ConfigError if it cannot start."""
    process = WorkerProcess(config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(process.run())
    if process.is_stuck:
        # A pipeline that does not come back must not keep the process from ending:
        # Python would wait for its thread.
        logging.shutdown()
        os._exit(0)


class WorkerProcess:
    """One worker; `is_stuck` tells after `run` whether some work did not end."""

    def __init__(self, config: WorkerConfig) -> None:
        self.is_stuck = False
        self._config = config
        self._stop = asyncio.Event()
        self._checkpointer: Checkpointer | None = None

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM, or raise ConfigError."""
        config = self._config
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(bind(config.bind, config.port))
            bound: tuple[str, int] = listener.getsockname()[:2]
            state = state_dir_of(config, bound[1])
            if state:
                state.open()
                stack.callback(state.close)
            self._watch_signals()
            services = self._services(bound, state)
            await services.host.restore()
            await self._serve(services, listener)

    def _services(self, bound: tuple[str, int], state: StateDir | None) -> Services:
        config = self._config
        worker_id = config.worker_id or (state.worker_id() if state else "")
        identity = make_identity(config, bound, worker_id)
        around = _surroundings(config, bound, state)
        launcher = Launcher(
            make_sink=SinkMaker(around),
            sources_of=SourceMaker(around).owned_by,
            make_lookup=LookupMaker(around),
            dead_letters=around.dead_letters,
            guard=around.guard,
            policy=config.limits,
        )
        if state:
            self._checkpointer = Checkpointer(CheckpointStore(state.checkpoints))
        host = PipelineHost(
            launcher,
            max_pipelines=config.max_pipelines,
            queue_limit=config.queue_limit,
            store=state,
            checkpointer=self._checkpointer,
        )
        return Services(config=config, identity=identity, host=host)

    async def _make_link(self, services: Services) -> "CoordinatorLink | None":
        """Return the link to the coordinators, if there are some."""
        config = self._config
        if not config.coordinators:
            return None
        # aiohttp and psutil take 0.2 s to import: after the port is open, beside the
        # loop, and not at all for a worker on its own.
        client_module, link_module = await asyncio.to_thread(_import_link)
        client = client_module.HttpCoordinatorClient(config.tls_ca_cert)
        link: CoordinatorLink = link_module.CoordinatorLink(
            config, services.identity, services.host, client=client
        )
        return link

    async def _serve(self, services: Services, listener: socket.socket) -> None:
        self._announce_link(services)
        lane = FastLane(services.host, self._config)
        server = make_server(build_app(services), self._config, lane)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started(server, serving)
        host, port = listener.getsockname()[:2]
        logger.info("Server listening on %s:%d", bracketed(host), port)
        # The compiler, before the first deploy waits for it: beside the loop.
        loading = asyncio.create_task(asyncio.to_thread(import_module, COMPILER))
        services.link = await self._make_link(services)
        linking = asyncio.create_task(_keep_linked(services.link))
        keeping = asyncio.create_task(self._keep_checkpoints(services))
        async with self._metrics_server(services):
            await self._until_stopped(serving)
            keeping.cancel()
            await self._wind_down(services, linking)
        server.should_exit = True
        await serving
        await loading

    async def _keep_checkpoints(self, services: Services) -> None:
        if self._checkpointer:
            interval_s = self._config.checkpoint_interval_s
            await self._checkpointer.run(services.host.all, interval_s)

    def _announce_link(self, services: Services) -> None:
        if self._config.coordinators:
            logger.info(
                "Registering with coordinator at %s as worker '%s'",
                ", ".join(self._config.coordinators),
                services.identity.worker_id,
            )

    @contextlib.asynccontextmanager
    async def _metrics_server(self, services: Services):  # type: ignore[no-untyped-def]
        """Serve /metrics on its own port as well, if wanted and possible."""
        config = self._config
        if not config.metrics:
            yield
            return
        try:
            listener = bind(config.bind, config.metrics_port)
        except ConfigError as error:
            logger.warning("No --metrics-port: %s", error)
            yield
            return
        with listener:
            server = make_server(build_metrics_app(services), config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            logger.info("Metrics on port %d", listener.getsockname()[1])
            yield
            server.should_exit = True
            await serving

    async def _until_stopped(self, serving: "asyncio.Task[None]") -> None:
        """Wait for a signal, or for a server that ended by itself."""
        waiting = asyncio.create_task(self._stop.wait())
        await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def _wind_down(
        self, services: Services, linking: "asyncio.Task[None]"
    ) -> None:
        """Take nothing new, finish what is queued, say goodbye."""
        logger.info("Stopping: finishing what is queued")
        timeout_s = self._config.shutdown_timeout_s
        if not await services.host.stop(timeout_s):
            self.is_stuck = True
            logger.warning("Some work was not finished after %g s", timeout_s)
        linking.cancel()
        await asyncio.wait((linking,))
        if services.link:
            await services.link.say_goodbye()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            logger.warning("Second signal: stopping at once")
            logging.shutdown()
            os._exit(1)
        self._stop.set()


def _surroundings(
    config: WorkerConfig, bound: tuple[str, int], state: StateDir | None
) -> Surroundings:
    """Return what this worker's connectors share."""
    owner = config.worker_id or (state.worker_id() if state else "")
    if not owner and config.port:  # a port of its own is as good as a name
        owner = f"{socket.gethostname()}:{bound[1]}"
    guard = Guard(
        workdir=config.workdir, networks=config.connector_networks, is_strict=True
    )
    return Surroundings(
        DeadLetters(state.dead_letters if state else None), guard, owner
    )


def _import_link() -> tuple[ModuleType, ModuleType]:
    """Return the modules of the client and of the link."""
    client = import_module("engine.worker.http_client")
    return client, import_module("engine.worker.coordinator_link")


async def _keep_linked(link: "CoordinatorLink | None") -> None:
    """Run the link, if there is one; its bugs must not stop the pipelines."""
    try:
        if link:
            await link.run()
    except Exception:  # boundary of a task: nothing above would log it
        logger.exception("The link to the coordinator has stopped working")
