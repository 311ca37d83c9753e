"""Sockets and HTTP servers of a worker process."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from engine.worker.config import WorkerConfig
from engine.worker.fast_lane import FastLane
from engine.worker.identity import bracketed
from engine.worker.options import ConfigError
from engine.worker.protocol import BoundedHttpProtocol

logger = logging.getLogger("varpulis")

BACKLOG = 2048
KEEP_ALIVE_S = 75  # longer than any pool of ours keeps idle connections
CONNECTION_GRACE_S = 2
START_CHECK_S = 0.005


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling, which would end in a signal's status."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ConfigError that says what is wrong."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} on {host} is in use: stop the other process or "
                "choose another --port"
            ) from error
        raise ConfigError(
            f"cannot listen on {bracketed(host)}:{port}: {error}"
        ) from error


def make_server(
    app: ASGIApp, config: WorkerConfig, lane: FastLane | None = None
) -> QuietServer:
    """Return the HTTP server for an application; sockets are given when it serves.

    With a lane, calls that it opens do not come to the application.
    """

    class Protocol(BoundedHttpProtocol):
        """The protocol with the lane of this server."""

    Protocol.lane = lane
    return QuietServer(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=CONNECTION_GRACE_S,
            backlog=BACKLOG,
            ssl_certfile=config.tls_cert,
            ssl_keyfile=config.tls_key,
        )
    )


async def started(server: QuietServer, serving: "asyncio.Task[None]") -> None:
    """Wait until the server accepts connections; raises what kept it from that."""
    while not server.started:
        if serving.done():
            serving.result()
            return
        await asyncio.sleep(START_CHECK_S)
