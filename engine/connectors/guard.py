"""Where programs may connect to and which files they may open (vpl.md section 14)."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from engine.connectors.address import addresses_of
from engine.connectors.base import ConnectorSpec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SCHEMES: Final[Mapping[str, frozenset[str]]] = {
    "http": frozenset(("http", "https")),
    "websocket": frozenset(("ws", "wss")),
    "mqtt": frozenset(("mqtt", "mqtts", "tcp", "ssl", "tls")),
    "nats": frozenset(("nats", "tls")),
    "redis": frozenset(("redis", "rediss")),
}
NEEDS_SCHEME: Final = frozenset(("http", "websocket"))

# Addresses at which clouds answer anybody inside with credentials; those that are
# link-local are refused with all others of their kind.
METADATA: Final[frozenset[Address]] = frozenset((
    ip_address("fd00:ec2::254"),
    ip_address("100.100.100.200"),
    ip_address("192.0.0.192"),
))


class RefusedError(OSError):
    """The host does not allow programs this address or path."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the host allows; the defaults are those of a command a user runs.

    File paths lie below `workdir`, links resolved; without one every path is allowed.
    With `networks` only addresses inside them are. With `is_strict` but no networks
    all are but those no program needs: link-local ones, among them the metadata
    services of clouds, multicast and unspecified ones.
    """

    workdir: Path | None = None
    networks: tuple[Network, ...] = ()
    is_strict: bool = False

    def refusal(self, spec: ConnectorSpec) -> str | None:
        """Return why a connector is not allowed, as far as that is known beforehand.

        Host names are looked up when connecting only.
        """
        try:
            if spec.kind == "file":
                self.path(str(spec.params.get("path") or f"{spec.name}.jsonl"))
            if spec.kind == "database":
                self._database(addresses_of(spec.params, ""))
            for address in addresses_of(spec.params, ""):
                self.host_of(address, spec.kind)
        except (RefusedError, ValueError) as error:
            return str(error)
        return None

    def _database(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            if address.startswith("sqlite:///"):
                self.path(address.removeprefix("sqlite:///"))

    def host_of(self, address: str, kind: str) -> str:
        """Return the host in an address; raises RefusedError and ValueError.

        The scheme must be one of the connector kind, and a literal address allowed.
        """
        parts = urlsplit(address if "://" in address else f"//{address}")
        allowed = SCHEMES.get(kind, frozenset((parts.scheme,)))
        may_lack = kind not in NEEDS_SCHEME and not parts.scheme
        if not may_lack and parts.scheme not in allowed:
            known = " or ".join(f"{name}://" for name in sorted(allowed))
            raise RefusedError(f"an address of kind '{kind}' starts with {known}")
        host = parts.hostname or ""
        literal = _literal(host)
        if literal is not None:
            self.check(literal)
        return host

    def check(self, address: Address) -> None:
        """Raise RefusedError unless programs may connect to `address`."""
        address = _unmapped(address)
        if self.networks:
            if not any(address in network for network in self.networks):
                raise RefusedError(
                    f"address {address} is in none of the networks allowed"
                )
        elif self.is_strict and _is_special(address):
            raise RefusedError(f"address {address} is not allowed for connectors")

    def resolve(self, host: str, port: int) -> str:
        """Return an address of `host`, to connect to instead of the name.

        All its addresses must be allowed. Raises OSError: RefusedError, or what the
        resolver says.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            self.check(ip_address(address.partition("%")[0]))
        return addresses[0]

    def path(self, text: str) -> Path:
        """Return the file a program means, links resolved; raises RefusedError."""
        if "\0" in text:
            raise RefusedError("a path has no NUL character")
        if self.workdir is None:
            return Path(text)
        top = self.workdir.resolve()
        try:
            found = (top / text).resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise RefusedError(f"path '{text}' cannot be resolved: {error}") from error
        if not found.is_relative_to(top) or found == top:
            raise RefusedError(f"path '{text}' is not below the working directory")
        return found


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _unmapped(address: Address) -> Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_special(address: Address) -> bool:
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in METADATA
    )
