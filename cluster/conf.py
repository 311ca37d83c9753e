"""Typed view of `settings.VARPULIS`: the tunables of api.md section 12.

Settings carry plain values; what is missing has the default given here. Read through
`current()` at each use, so that tests may override settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, Self

from django.conf import settings

Networks = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Settings of the coordinator; durations are seconds unless named otherwise."""

    heartbeat_interval: float = 5
    heartbeat_timeout: float = 15
    sweep_interval: float = 5
    http_timeout: float = 10
    connect_timeout: float = 3
    failover_grace: float = 10
    checkpoint_interval: float = 30
    retention_days: float = 30
    api_key: str = field(default="", repr=False)
    join_tokens: tuple[str, ...] = field(default=(), repr=False)
    bind: str = "127.0.0.1"
    insecure: bool = False
    placement: str = "round_robin"
    unique_group_names: bool = False
    default_route: str = "first"
    orphans: str = "remove"
    worker_networks: Networks = ()
    broker: bool = False
    metrics_public: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    tls_ca_cert: str = ""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read upper-case keys; unknown ones belong to other parts of the site."""
        known = {item.name: item.name.upper() for item in fields(cls)}
        given = {name: values[key] for name, key in known.items() if key in values}
        for name in ("join_tokens", "worker_networks"):
            given[name] = tuple(given.get(name) or ())
        given["api_key"] = given.get("api_key") or ""
        return cls(**given)

    @property
    def heartbeat_timeout_delta(self) -> timedelta:
        """Return the silence after which a worker is unhealthy."""
        return timedelta(seconds=self.heartbeat_timeout)

    @property
    def failover_grace_delta(self) -> timedelta:
        """Return how long an unhealthy worker keeps its placements."""
        return timedelta(seconds=self.failover_grace)

    @property
    def is_auth_disabled(self) -> bool:
        """Tell whether no API key is set, so that every caller is an admin."""
        return not self.api_key

    @property
    def is_bound_to_loopback(self) -> bool:
        """Tell whether only processes of this machine can connect."""
        return is_loopback_host(self.bind)


def is_loopback_host(host: str) -> bool:
    """Tell whether a host text names this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def current() -> ClusterSettings:
    """Return the settings as they are now.

    Read again only when `settings.VARPULIS` is another object, as it is when tests
    override it: calls of the hot path ask several times each.
    """
    global _last_read
    values = getattr(settings, "VARPULIS", _NO_VALUES)
    last = _last_read
    if last[0] is not values:
        last = _last_read = (values, ClusterSettings.read(values))
    return last[1]


_NO_VALUES: Mapping[str, Any] = {}
_last_read = (_NO_VALUES, ClusterSettings())
