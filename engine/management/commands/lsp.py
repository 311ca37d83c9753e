"""`varpulis lsp`: the language server for editors."""

from typing import Any

from django.core.management.base import CommandParser

from engine.management.command import EngineCommand, usage_error

LOOPBACK = "127.0.0.1"


class Command(EngineCommand):
    help = "Answer an editor in the Language Server Protocol, over standard streams"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--stdio", action="store_true", help="over standard streams (the default)"
        )
        parser.add_argument(
            "--tcp", type=int, metavar="PORT", help="listen on this port of loopback"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until the editor leaves; exit with 2 if pygls is not installed."""
        try:
            # Optional: installed with `pip install varpulis[lsp]`.
            from engine.lsp.server import create_server
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] not in {"pygls", "lsprotocol"}:
                raise
            raise usage_error(
                "the language server needs pygls: pip install 'varpulis[lsp]'"
            ) from error
        server = create_server()
        if options["tcp"] is None:
            server.start_io()
        else:
            server.start_tcp(LOOPBACK, options["tcp"])
