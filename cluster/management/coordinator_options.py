"""The options of `varpulis coordinator` and the environment variables behind them.

A flag wins over its variable, a variable over the default. Settings read variables
only, so flags are written into the environment before Django reads its settings.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, its variable and what it means.

    An `is_switch` option takes no value and sets its variable to `true`.
    """

    flags: tuple[str, ...]
    variable: str
    meaning: str
    metavar: str = ""
    is_switch: bool = False

    @property
    def dest(self) -> str:
        """Return the name under which argparse keeps the value."""
        return self.flags[-1].lstrip("-").replace("-", "_")


OPTIONS = (
    Option(("-p", "--port"), "VARPULIS_PORT", "port to listen on (9100)", "PORT"),
    Option(("--bind",), "VARPULIS_BIND", "address to listen on (127.0.0.1)", "ADDRESS"),
    Option(
        ("--api-key",),
        "VARPULIS_API_KEY",
        "key with role admin; @FILE reads it from a file",
        "KEY",
    ),
    Option(
        ("--join-token",),
        "VARPULIS_JOIN_TOKEN",
        "token with which workers of other machines register; several, separated by"
        " commas, while one replaces another",
        "TOKEN",
    ),
    Option(
        ("--state-dir",),
        "VARPULIS_STATE_DIR",
        "where the database and the secret key are kept (per-user state folder)",
        "DIR",
    ),
    Option(
        ("--database",),
        "VARPULIS_DATABASE_URL",
        "postgresql://user:password@host/name instead of SQLite",
        "URL",
    ),
    Option(
        ("--redis",),
        "VARPULIS_REDIS_URL",
        "channel layer shared by several coordinators",
        "URL",
    ),
    Option(
        ("--broker",), "VARPULIS_BROKER_URL", "Celery broker for background work", "URL"
    ),
    Option(
        ("--heartbeat-interval",),
        "VARPULIS_HEARTBEAT_INTERVAL",
        "seconds between the reports of a worker (5)",
        "SECONDS",
    ),
    Option(
        ("--heartbeat-timeout",),
        "VARPULIS_HEARTBEAT_TIMEOUT",
        "silence after which a worker is unhealthy (15)",
        "SECONDS",
    ),
    Option(
        ("--sweep-interval",),
        "VARPULIS_SWEEP_INTERVAL",
        "seconds between two looks at the whole cluster (5)",
        "SECONDS",
    ),
    Option(
        ("--failover-grace",),
        "VARPULIS_FAILOVER_GRACE",
        "how long an unhealthy worker keeps its pipelines (10)",
        "SECONDS",
    ),
    Option(
        ("--tls-cert",),
        "VARPULIS_TLS_CERT",
        "certificate file (PEM); with --tls-key",
        "FILE",
    ),
    Option(
        ("--tls-key",),
        "VARPULIS_TLS_KEY",
        "private key file (PEM); with --tls-cert",
        "FILE",
    ),
    Option(
        ("--tls-ca-cert",),
        "VARPULIS_TLS_CA_CERT",
        "certificates to trust workers by (PEM file), besides those of this machine",
        "FILE",
    ),
    Option(
        ("--ephemeral",),
        "VARPULIS_EPHEMERAL",
        "keep nothing: the state directory is temporary",
        is_switch=True,
    ),
    Option(
        ("--insecure",),
        "VARPULIS_INSECURE",
        "allow other machines to connect without any key",
        is_switch=True,
    ),
    Option(("--log-level",), "VARPULIS_LOG_LEVEL", "debug, info, warn, error", "LEVEL"),
    Option(("--log-format",), "VARPULIS_LOG_FORMAT", "text, full or json", "FORMAT"),
)


# which coordinator's state a command works on
STATE_VARIABLES = frozenset({
    "VARPULIS_PORT", "VARPULIS_STATE_DIR", "VARPULIS_DATABASE_URL",
})  # fmt: skip


def add_options(parser: ArgumentParser) -> None:
    """Give `parser` every option; what is not given stays None."""
    _add(parser, OPTIONS)


def add_state_options(parser: ArgumentParser) -> None:
    """Give `parser` the options that say where a coordinator keeps its state."""
    _add(parser, [item for item in OPTIONS if item.variable in STATE_VARIABLES])


def _add(parser: ArgumentParser, options: Iterable[Option]) -> None:
    for option in options:
        meaning = f"{option.meaning} [{option.variable}]"
        if option.is_switch:
            parser.add_argument(
                *option.flags, action="store_true", default=None, help=meaning
            )
        else:
            parser.add_argument(*option.flags, metavar=option.metavar, help=meaning)


def write_environment(given: Namespace, environment: MutableMapping[str, str]) -> None:
    """Put the options that were given into their variables."""
    for option in OPTIONS:
        value = getattr(given, option.dest, None)
        if value is not None:
            environment[option.variable] = "true" if option.is_switch else str(value)
