"""Who this worker is towards its coordinator."""

import os
import secrets
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import urlsplit

from engine.worker.config import WorkerConfig, make_worker_id

VERSION = version("varpulis")
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a worker tells about itself when it registers.

    `api_key` is what the coordinator must send to this worker, and what this worker
    shows in its heartbeats. `instance_id` tells one run of the process from the next.
    """

    worker_id: str
    address: str
    api_key: str = field(repr=False)
    instance_id: str
    hostname: str
    labels: Mapping[str, str]
    cpu_cores: int
    max_pipelines: int
    version: str = VERSION


def make_identity(
    config: WorkerConfig, bound: tuple[str, int], worker_id: str
) -> Identity:
    """Return the identity of a worker that listens on `bound` (address, port)."""
    return Identity(
        worker_id=worker_id or make_worker_id(),
        address=advertised_address(config, bound),
        api_key=config.api_key or secrets.token_urlsafe(32),
        instance_id=str(uuid.uuid4()),
        hostname=socket.gethostname(),
        labels=config.labels,
        cpu_cores=usable_cores(),
        max_pipelines=config.max_pipelines,
    )


def advertised_address(config: WorkerConfig, bound: tuple[str, int]) -> str:
    """Return the address the coordinator is to call, never an unspecified one."""
    if config.advertise_address:
        return config.advertise_address
    host, port = bound
    if host in UNSPECIFIED and config.coordinators:
        host = local_address_towards(config.coordinators[0])
    return f"{config.scheme}://{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def local_address_towards(url: str) -> str:
    """Return this machine's address on the way to `url`; nothing is sent.

    Falls back to this machine's loopback when there is no way there just now.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM)
    except OSError:
        return "127.0.0.1"
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.connect(address)
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"


def usable_cores() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
