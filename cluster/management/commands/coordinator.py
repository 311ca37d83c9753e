"""Run the coordinator: API, live pages and background work in one process.

Creates and migrates its own database. Leaves with 0 after SIGTERM or SIGINT, with 2
when the configuration is refused, with 1 when the port is taken.
"""

import logging
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand

from cluster import conf
from cluster.conf import ClusterSettings
from cluster.management.coordinator_options import add_options

logger = logging.getLogger("varpulis")

ASGI_APP = "varpulis_site.asgi:application"
EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
LISTEN_BACKLOG = 2048
KEEP_ALIVE_S = 75
GRACEFUL_SHUTDOWN_S = 5
LARGEST_FRAME = 1024 * 1024  # bytes of one WebSocket message
PING_INTERVAL_S = 20.0


class Command(BaseCommand):
    """`varpulis coordinator`."""

    help = "Run the coordinator: API, live pages and background work in one process."
    # The checks of the whole site cost half of the start; `manage.py check` runs them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the options of api.md section 10."""
        add_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Serve until a signal comes."""
        os.umask(0o077)  # folders 0700, files 0600
        values = conf.current()
        self._refuse_unsafe()
        listener = self._listen(values.bind, int(settings.PORT))
        with listener:
            self._prepare_database()
            self._print_banner(values)
            self._serve(listener, values)

    def _refuse_unsafe(self) -> None:
        """Leave if settings cannot be meant or let anybody in; warn of the rest."""
        for message in checks.run_checks(tags=["varpulis", "cluster"]):
            text = str(message.msg).rstrip(".")
            sentence = f"{text}: {message.hint}" if message.hint else text
            if message.is_serious():
                self._leave(sentence, EXIT_CONFIGURATION)
            logger.warning("%s", sentence)

    def _listen(self, host: str, port: int) -> socket.socket:
        """Take the port before anything is made, so that a taken one costs nothing."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), port))
            listener.listen(LISTEN_BACKLOG)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            self._leave(
                f"cannot listen on {host}:{port}: {reason.lower()};"
                " is another coordinator running there? (--port chooses another)",
                EXIT_FAILED,
            )
        listener.setblocking(False)
        return listener

    def _prepare_database(self) -> None:
        """Create and migrate the database; nothing is done when it is up to date."""
        # Here, not above: `--help` and refusals need none of it.
        from django.core.management import call_command
        from django.db import connections
        from django.db.migrations.executor import MigrationExecutor

        connection = connections["default"]
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        connection.close()

    def _print_banner(self, values: ClusterSettings) -> None:
        host = f"[{values.bind}]" if ":" in values.bind else values.bind
        scheme = "https" if values.tls_cert else "http"
        site = f"{scheme}://{host}:{settings.PORT}"
        off = values.is_auth_disabled
        auth = "disabled" if off else "enabled (API key required)"
        state = settings.DATABASES["default"]["HOST"] if settings.DATABASE_URL else ""
        for line in (
            "Varpulis Coordinator",
            "=======================",
            f"API:       {site}/api/v1/cluster/",
            f"Auth:      {auth}",
            f"UI:        {site}/",
            f"State:     {state or settings.STATE_DIR}",
        ):
            print(line)
        sys.stdout.flush()

    def _serve(self, listener: socket.socket, values: ClusterSettings) -> None:
        # Here, not above: `--help` and refusals need no server.
        import uvicorn

        from cluster.hot.http_protocol import HotHttpProtocol

        config = uvicorn.Config(
            ASGI_APP,
            loop="uvloop",
            http=HotHttpProtocol,
            ws="websockets-sansio",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_max_size=LARGEST_FRAME,
            ws_ping_interval=PING_INTERVAL_S,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
            ssl_certfile=values.tls_cert or None,
            ssl_keyfile=values.tls_key or None,
        )
        # uvicorn raises the signal again once it has shut down; by then it is only
        # the wish to leave, which is what happens next.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave_quietly)
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        if not server.started:
            self._leave("the server could not start", EXIT_FAILED)
        logger.info("Coordinator stopped")

    def _leave(self, sentence: str, code: int) -> None:
        self.stderr.write(f"varpulis coordinator: {sentence}")
        raise SystemExit(code)


def _leave_quietly(number: int, frame: FrameType | None) -> None:
    """Do nothing: the server has already shut down."""
