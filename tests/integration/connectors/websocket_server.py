"""A WebSocket server in a thread, which notes who comes and sends what it is told."""

import asyncio
import threading

from aiohttp import WSMsgType, web

from tests.integration.connectors.probes import WAIT_S
from tests.integration.connectors.server_process import free_port


class WebsocketServer:
    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.headers: list[dict[str, str]] = []
        self.subscriptions: list[str] = []
        self._clients: list[web.WebSocketResponse] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/feed"

    def start(self) -> None:
        self._thread.start()
        self._run(self._start())

    def send(self, *texts: str) -> None:
        """Send to everyone who is connected."""
        self._run(self._send(texts))

    def stop(self) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/feed", self._serve)
        app.router.add_get("/moved", self._move)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse()
        await client.prepare(request)
        self.headers.append(dict(request.headers))
        self._clients.append(client)
        try:
            async for message in client:
                if message.type is WSMsgType.TEXT:
                    self.subscriptions.append(message.data)
        finally:
            self._clients.remove(client)
        return client

    async def _move(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/feed")

    async def _send(self, texts) -> None:
        for client in list(self._clients):
            for text in texts:
                await client.send_str(text)
