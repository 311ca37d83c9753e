"""A worker behind real HTTP, in a thread of the test process."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from engine.connectors.fake import RecordingSinks
from engine.worker.app import build_app
from engine.worker.config import WorkerConfig
from engine.worker.fast_lane import FastLane
from engine.worker.host import PipelineHost
from engine.worker.identity import make_identity
from engine.worker.launcher import Launcher
from engine.worker.listen import bind, make_server, started
from engine.worker.services import Services

KEY = "test"


class GatedSinks(RecordingSinks):
    """Recording sinks that hold their pipelines up while `gate` is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, spec):
        sink = super().__call__(spec)
        send = sink.send

        def send_when_open(topic, events, *, stream):
            assert self.gate.wait(20)
            send(topic, events, stream=stream)

        sink.send = send_when_open
        return sink


class RunningWorker:
    """An application on a free port; `call` makes one request."""

    def __init__(self, config: WorkerConfig) -> None:
        self.sinks = GatedSinks()
        self._listener = bind(config.bind, 0)
        self.port = self._listener.getsockname()[1]
        self._config = config
        self._session = requests.Session()
        self._session.trust_env = False
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._started.wait(10)

    def call(self, method, path, body=None, *, key=KEY, headers=None, data=None):
        """Return status and decoded body; `body` is sent as JSON, `data` as it is."""
        sent = dict(headers or {})
        if key is not None:
            sent["x-api-key"] = key
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            sent.setdefault("content-type", "application/json")
        self.last = self._session.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            data=data,
            headers=sent,
            timeout=30,
            allow_redirects=False,
        )
        return self.last.status_code, self.last.json() if self.last.content else None

    def deploy(self, source, name="p", **more):
        status, body = self.call(
            "POST", "/api/v1/pipelines", {"name": name, "source": source, **more}
        )
        assert status == 201, body
        return body["id"]

    def event(self, pipeline_id, event_type, fields=None, *, query="", **more):
        body = {"event_type": event_type, "fields": fields or {}, **more}
        return self.call("POST", f"/api/v1/pipelines/{pipeline_id}/events{query}", body)

    def on_loop(self, work):
        """Run something in the worker's event loop and return its result."""

        async def run():
            return work(self.services)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def close(self) -> None:
        self._session.close()
        self.sinks.gate.set()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        config = self._config
        host = PipelineHost(
            Launcher(make_sink=self.sinks, policy=config.limits),
            max_pipelines=config.max_pipelines,
            queue_limit=config.queue_limit,
        )
        identity = make_identity(config, ("127.0.0.1", self.port), "depot-7")
        self.services = Services(config=config, identity=identity, host=host)
        lane = FastLane(host, config)
        server = make_server(build_app(self.services), config, lane)
        with self._listener:
            serving = asyncio.create_task(server.serve(sockets=[self._listener]))
            await started(server, serving)
            self._started.set()
            await self._stop.wait()
            await host.stop(5)
            await self._end_at_once(server, serving)

    async def _end_at_once(self, server, serving) -> None:
        """Skip uvicorn's grace for open connections, which takes 0.2 s a test."""
        serving.cancel()
        await asyncio.wait((serving,))
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        for listening in server.servers:
            listening.close()
            await listening.wait_closed()


@pytest.fixture
def start_worker() -> Iterator:
    """Give a function that starts workers; keywords change the configuration."""
    running = []

    def start(**changes) -> RunningWorker:
        config = replace(WorkerConfig(api_key=KEY), **changes)
        running.append(RunningWorker(config))
        return running[-1]

    yield start
    for worker in running:
        worker.close()


@pytest.fixture
def worker(start_worker) -> RunningWorker:
    """A worker with the key `test`."""
    return start_worker()
