"""The options of `varpulis server`: one table for flags, environment and help."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.limit_policy import parse_limits

MAX_PORT = 65535
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class ConfigError(ValueError):
    """The worker cannot start as told; the text names the option (exit status 2)."""


def parse_port(text: str) -> int:
    """Return a TCP port; 0 lets the system choose."""
    if text.isascii() and text.isdigit() and int(text) <= MAX_PORT:
        return int(text)
    raise ValueError(f"{text!r} is not a port number (0 to {MAX_PORT})")


def parse_count(text: str) -> int:
    """Return a whole number of at least 1."""
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return int(text)
    raise ValueError(f"{text!r} is not a whole number of at least 1")


def parse_seconds(text: str) -> float:
    """Return a duration in seconds, zero or more."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ValueError(f"{text!r} is not a number of seconds (0 to 86400)")
    return seconds


def parse_flag(text: str) -> bool:
    """Return the truth of an environment value."""
    word = text.strip().lower()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError(f"{text!r} is neither true nor false")


def parse_secret(text: str) -> str:
    """Return a key as given, or the first line of the file named by `@file`."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8").split("\n", 1)[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read the key file: {error}") from error
    text = text.strip()
    if not text.isprintable() or not text.isascii() or not text:
        raise ValueError("a key is one line of visible ASCII characters")
    return text


def parse_urls(text: str) -> tuple[str, ...]:
    """Return the coordinators of a comma-separated list, without trailing slashes."""
    urls = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for url in urls:
        parse_address(url)
    return urls


def parse_address(text: str) -> str:
    """Return a base address `http(s)://host[:port]`."""
    text = text.rstrip("/")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no address: {error}") from error
    plain = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme in {"http", "https"} and parts.hostname and plain and port != 0:
        return text
    raise ValueError(f"{text!r} is not of the form http://host:port")


def parse_path(text: str) -> Path:
    """Return a path with `~` resolved."""
    return Path(text).expanduser()


def parse_labels(text: str) -> dict[str, str]:
    """Return the labels of `k=v,k=v`."""
    labels = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not (name and equals):
            raise ValueError(f"{part!r} is not of the form name=value")
        labels[name] = value
    return labels


def parse_names(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of a comma-separated list such as `10.0.0.0/8,::1`."""
    return tuple(ip_network(part, strict=False) for part in parse_names(text))


def parse_text(text: str) -> str:
    """Return the text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `--name`, its environment variables in order, its default text.

    `flag` options take no value on the command line; `repeated` ones are joined
    with commas.
    """

    name: str
    parse: Callable[[str], Any]
    help: str
    default: str | None = None
    env: tuple[str, ...] = ()
    short: str | None = None
    flag: bool = False
    repeated: bool = False

    @property
    def key(self) -> str:
        """Return the name as a Python identifier."""
        return self.name.replace("-", "_")

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the environment variables that stand for this option."""
        return self.env or (f"VARPULIS_{self.key.upper()}",)


OPTIONS = (
    Option("port", parse_port, "port to listen on", "9000", short="-p"),
    Option("bind", parse_text, "address to listen on", "127.0.0.1"),
    Option(
        "api-key",
        parse_secret,
        "key that callers must send; none: open, on loopback only",
        env=("VARPULIS_WORKER_KEY", "VARPULIS_API_KEY"),
    ),
    Option("coordinator", parse_urls, "coordinator to join: URL[,URL..]"),
    Option("worker-id", parse_text, "stable name in the cluster (default: a UUID)"),
    Option(
        "coordinator-api-key",
        parse_secret,
        "coordinator key to register with, for workers on other machines",
    ),
    Option("join-token", parse_secret, "join token to register with"),
    Option(
        "advertise-address",
        parse_address,
        "address at which the coordinator reaches this worker",
    ),
    Option("max-pipelines", parse_count, "pipelines this worker takes", "100"),
    Option(
        "label",
        parse_labels,
        "label for placement, k=v; may be given several times",
        "",
        env=("VARPULIS_LABELS",),
        repeated=True,
    ),
    Option(
        "limit",
        parse_limits,
        "limit of pipelines that set none themselves, NAME=VALUE; may be given "
        "several times",
        "",
        repeated=True,
    ),
    Option(
        "max-limit",
        parse_limits,
        "limit that pipelines may ask for at most, NAME=VALUE; may be given several "
        "times",
        "",
        repeated=True,
    ),
    Option("queue-limit", parse_count, "events that may wait per pipeline", "10000"),
    Option(
        "shutdown-timeout", parse_seconds, "seconds to finish work on stopping", "30"
    ),
    Option("state-dir", parse_path, "folder in which pipelines survive a restart"),
    Option(
        "checkpoint-interval",
        parse_seconds,
        "seconds between checkpoints in the state directory",
        "30",
    ),
    Option("metrics", parse_flag, "also open --metrics-port for Prometheus", flag=True),
    Option("metrics-port", parse_port, "port opened by --metrics", "9090"),
    Option(
        "metrics-public",
        parse_flag,
        "answer /metrics to everybody, not only to this machine and to key holders",
        flag=True,
    ),
    Option("tls-cert", parse_path, "certificate file (PEM); with --tls-key"),
    Option("tls-key", parse_path, "private key file (PEM); with --tls-cert"),
    Option(
        "tls-ca-cert", parse_path, "certificates to trust a coordinator by (PEM file)"
    ),
    Option(
        "allowed-hosts",
        parse_names,
        "Host names that are answered besides local ones",
        "",
    ),
    Option(
        "workdir",
        parse_path,
        "folder below which `file` connectors read and write",
        ".",
    ),
    Option(
        "connector-networks",
        parse_networks,
        "networks connectors may connect to (default: all but link-local ones)",
        "",
    ),
    Option(
        "insecure",
        parse_flag,
        "allow a bind beyond loopback without --api-key",
        flag=True,
    ),
)


def read_options(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    options: Sequence[Option] = OPTIONS,
) -> dict[str, Any]:
    """Return each option's value by precedence: flag, environment, default.

    Empty environment variables count as not set. Raises ConfigError, naming where
    the bad value came from.
    """
    return {option.key: _read(option, flags, environment) for option in options}


def _read(option: Option, flags: Mapping[str, Any], env: Mapping[str, str]) -> Any:
    where, text = _find(option, flags, env)
    if text is None:
        return False if option.flag else None
    try:
        return option.parse(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _find(
    option: Option, flags: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[str, str | None]:
    given = flags.get(option.key)
    if given:
        text = ",".join(given) if option.repeated else str(given)
        return f"--{option.name}", "true" if option.flag else text
    for variable in option.variables:
        if env.get(variable):
            return variable, env[variable]
    return f"--{option.name}", option.default
