"""May a connector connect where its program says? (vpl.md section 14)"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from engine.connectors.guard import Guard, RefusedError
from engine.connectors.link import LinkLostError


def check_reach(
    guard: Guard, kind: str, addresses: Iterable[str], default_port: int
) -> None:
    """Look up every host and ask the guard; raises LinkLostError.

    Done before each connection, since a name may mean another address by then. Hosts
    that cannot be found are left to the library, which says so in its own words.
    """
    for address in addresses:
        try:
            host = guard.host_of(address, kind) or "localhost"
            guard.resolve(host, port_of(address, default_port))
        except (RefusedError, ValueError) as error:
            raise LinkLostError(f"not allowed: {error}") from error
        except OSError:
            continue


def port_of(address: str, default: int) -> int:
    """Return the port of a URL or of `host:port`; raises ValueError."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    return parts.port or default
