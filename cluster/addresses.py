"""Which addresses of workers the coordinator is willing to call (api.md section 2)."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from cluster.exceptions import BadAddressError

IpAddress = IPv4Address | IPv6Address
Resolver = Callable[[str], str]
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class WorkerAddress:
    """An accepted address: `url` as advertised, `pinned_host` the IP to connect to."""

    url: str
    pinned_host: str

    @property
    def is_loopback(self) -> bool:
        """Tell whether the address names this machine only."""
        return _unmapped(ip_address(self.pinned_host)).is_loopback


def resolve_host(host: str) -> str:
    """Return the first IP address of a host name, IPv4 before IPv6.

    Raises BadAddressError if the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadAddressError(f"host '{host}' cannot be resolved: {error}") from error
    found.sort(key=lambda item: item[0] != socket.AF_INET)
    return str(found[0][4][0]).partition("%")[0]


def check_worker_address(
    url: str, *, networks: Sequence[str] = (), resolve: Resolver = resolve_host
) -> WorkerAddress:
    """Accept `http(s)://host:port` of a host that may be called, or raise.

    Raises BadAddressError for any other form, for unspecified, multicast and
    link-local addresses, and for those outside `networks` (empty: all others).
    """
    parts = _split(url)
    host = parts.hostname or ""
    pinned = _unmapped(_as_ip(host) or ip_address(resolve(host)))
    if pinned.is_unspecified or pinned.is_multicast or pinned.is_link_local:
        raise BadAddressError(
            f"address {url} leads to {pinned}, which no worker can be called at; "
            "advertise an address of the worker's machine"
        )
    if networks and not any(
        pinned in ip_network(net, strict=False) for net in networks
    ):
        raise BadAddressError(
            f"address {url} leads to {pinned}, outside VARPULIS_WORKER_NETWORKS "
            f"({', '.join(networks)})"
        )
    return WorkerAddress(f"{parts.scheme}://{parts.netloc}", str(pinned))


def _split(url: str) -> SplitResult:
    problem = f"address {url!r} must be http(s)://host:port without path, user or query"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddressError(problem) from error
    clean = not (parts.username or parts.password or parts.query or parts.fragment)
    plain = parts.path in {"", "/"} and not any(c in url for c in "@?#\\ \t\r\n")
    if parts.scheme not in SCHEMES or not parts.hostname or not port:
        raise BadAddressError(problem)
    if not clean or not plain:
        raise BadAddressError(problem)
    return parts


def _as_ip(host: str) -> IpAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unmapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address inside `::ffff:a.b.c.d`, so that no rule is dodged."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
