"""The address of a connector, whichever parameter names it."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from engine.connectors.base import ConstantValue

ADDRESS_NAMES = ("url", "host", "brokers", "servers", "base_url")


def address_of(params: Mapping[str, ConstantValue], default: str) -> str:
    """Return the address, or `default` when no parameter names one."""
    given = (params[name] for name in ADDRESS_NAMES if params.get(name))
    return str(next(given, default))


def addresses_of(params: Mapping[str, ConstantValue], default: str) -> list[str]:
    """Return the members of an address that lists several with commas."""
    members = address_of(params, default).split(",")
    return [member.strip() for member in members if member.strip()]


def without_secrets(url: str) -> str:
    """Return scheme, host and port of a URL: neither user nor password nor query."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme else host
