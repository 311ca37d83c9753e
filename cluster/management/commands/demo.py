"""Run a whole demonstration: mandelbrot, flights."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.demo.errors import DemoError, UsageError
from cluster.demo.exit_status import INTERRUPTED, exit_status
from cluster.demo.flights import run as flights
from cluster.demo.mandelbrot import run as mandelbrot
from cluster.demo.mandelbrot.program import Mandelbrot, MqttSink
from cluster.demo.signals import interrupted_by_signals


class Command(BaseCommand):
    """Runs one demonstration on processes of its own; leaves nothing behind."""

    help = "Run a whole demonstration: mandelbrot, flights."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per demonstration."""
        demos = parser.add_subparsers(dest="demo", required=True, metavar="DEMO")
        _mandelbrot_arguments(
            demos.add_parser("mandelbrot", help="the Mandelbrot set on several workers")
        )
        _flights_arguments(
            demos.add_parser("flights", help="336776 real departures, five pipelines")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it; exits 1 on a mismatch, 2 on a request that cannot be met."""
        try:
            with interrupted_by_signals():
                self._run(options)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except DemoError as exc:
            self.stderr.write(f"varpulis demo: {exc}")
            sys.exit(exit_status(exc))

    def _run(self, options: dict[str, Any]) -> None:
        if options["demo"] == "flights":
            flights.run_demo(
                self._say, workers=options["workers"], limit=options["limit"]
            )
        else:
            mandelbrot.run_demo(_mandelbrot_request(options), self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _mandelbrot_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--workers", type=int, default=4, help="worker processes (default 4)")
    add("--size", type=int, default=1000, help="pixels per side (default 1000)")
    add("--max-iter", type=int, default=256, help="iterations (default 256)")
    add("--out", type=Path, metavar="PNG", help="write the picture there")
    add(
        "--sink",
        choices=("http", "mqtt"),
        default="http",
        help="how pixels come back: in the replies (default), or through a broker",
    )
    add("--broker", metavar="HOST:PORT", help="MQTT broker (default: one of our own)")
    add(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="do not check the pixels against the formula",
    )
    add("--verify", dest="verify", action="store_true", help="check them (default)")


def _flights_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--workers", type=int, default=3, help="worker processes (default 3)")
    add("--limit", type=int, help="only the first N flights of the year")


def _mandelbrot_request(options: dict[str, Any]) -> mandelbrot.Request:
    try:
        picture = Mandelbrot(options["size"], options["max_iter"])
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if options["workers"] < 1:
        raise UsageError("--workers: at least one worker is needed")
    return mandelbrot.Request(
        picture=picture,
        workers=options["workers"],
        out=options["out"],
        over_mqtt=options["sink"] == "mqtt",
        broker=_broker(options["broker"]),
        verify=options["verify"],
    )


def _broker(address: str | None) -> MqttSink | None:
    if address is None:
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--broker {address}: HOST:PORT is needed")
    return MqttSink(host, int(port))
