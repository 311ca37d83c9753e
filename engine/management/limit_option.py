"""The option that sets limits of a program."""

from typing import Any

from django.core.management.base import CommandParser

from engine.limit_policy import parse_limits
from engine.management.command import usage_error


def add_limit_option(parser: CommandParser) -> None:
    """Declare `--limit`."""
    parser.add_argument(
        "--limit",
        action="append",
        metavar="NAME=VALUE",
        help="limit of the program, such as runs=500; may be given several times",
    )


def read_limits(options: dict[str, Any]) -> dict[str, int | float]:
    """Return the limits that were given; raises CommandError (status 2)."""
    try:
        return parse_limits(",".join(options["limit"] or ()))
    except ValueError as error:
        raise usage_error(f"--limit: {error}") from error
