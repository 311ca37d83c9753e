"""What a worker process was told, checked as a whole."""

import ipaddress
import re
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.connectors.guard import Network
from engine.limit_policy import LimitPolicy
from engine.worker.options import ConfigError, read_options

WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """The options of one worker (api.md section 10).

    `api_key` None means that callers need no key; `worker_id` is "" when none was
    given and one has to be made.
    """

    port: int = 9000
    bind: str = "127.0.0.1"
    api_key: str | None = field(default=None, repr=False)
    coordinators: tuple[str, ...] = ()
    worker_id: str = ""
    coordinator_api_key: str | None = field(default=None, repr=False)
    join_token: str | None = field(default=None, repr=False)
    advertise_address: str | None = None
    max_pipelines: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: LimitPolicy = field(default_factory=LimitPolicy)
    queue_limit: int = 10_000
    shutdown_timeout_s: float = 30.0
    state_dir: Path | None = None
    checkpoint_interval_s: float = 30.0
    metrics: bool = False
    metrics_port: int = 9090
    metrics_public: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca_cert: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    workdir: Path = Path()
    connector_networks: tuple[Network, ...] = ()

    @property
    def scheme(self) -> str:
        """Return the scheme this worker answers on."""
        return "https" if self.tls_cert else "http"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the worker."""
        return is_loopback_host(self.bind)


def load_config(flags: Mapping[str, Any], env: Mapping[str, str]) -> WorkerConfig:
    """Return the configuration of flags, environment and defaults, in this order.

    Raises ConfigError when a value is bad or values do not go together.
    """
    values = read_options(flags, env)
    values["coordinators"] = values.pop("coordinator") or ()
    values["labels"] = values.pop("label")
    values["limits"] = LimitPolicy(values.pop("limit"), values.pop("max_limit"))
    values["shutdown_timeout_s"] = values.pop("shutdown_timeout")
    values["checkpoint_interval_s"] = values.pop("checkpoint_interval")
    values["worker_id"] = values["worker_id"] or ""
    config = WorkerConfig(**values)
    _check_identity(config)
    _check_limits(config)
    _check_workdir(config)
    _check_exposure(config)
    _check_tls(config)
    return config


@lru_cache(maxsize=1024)  # asked for with every request, about few names
def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def make_worker_id() -> str:
    """Return a new random worker id."""
    return str(uuid.uuid4())


def _check_identity(config: WorkerConfig) -> None:
    if config.worker_id and not WORKER_ID.fullmatch(config.worker_id):
        raise ConfigError(
            f"--worker-id: {config.worker_id!r} is not a worker id: up to 128 "
            "letters, digits and . _ : -, starting with a letter or digit"
        )


def _check_limits(config: WorkerConfig) -> None:
    for name in config.limits.excess():
        raise ConfigError(
            f"--limit {name}: this default is more than --max-limit allows"
        )


def _check_workdir(config: WorkerConfig) -> None:
    if not config.workdir.is_dir():
        raise ConfigError(f"--workdir: no directory {config.workdir}")


def _check_exposure(config: WorkerConfig) -> None:
    if config.api_key or config.is_loopback or config.insecure:
        return
    raise ConfigError(
        f"--bind {config.bind} would open this worker to the network without a key: "
        "give --api-key, or --insecure if that is really meant"
    )


def _check_tls(config: WorkerConfig) -> None:
    if bool(config.tls_cert) != bool(config.tls_key):
        raise ConfigError("--tls-cert and --tls-key must be given together")
    for name in ("tls_cert", "tls_key", "tls_ca_cert"):
        path = getattr(config, name)
        if path and not path.is_file():
            raise ConfigError(f"--{name.replace('_', '-')}: no file {path}")
    if config.tls_cert and config.tls_key:
        _load_certificate(config.tls_cert, config.tls_key)


def _load_certificate(cert: Path, key: Path) -> None:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"--tls-cert, --tls-key: not usable: {error}") from error
