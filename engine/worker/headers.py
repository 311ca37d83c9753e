"""Request headers as one map, made once per request."""

from starlette.types import Scope

HeaderMap = dict[bytes, bytes]


def header_map(scope: Scope) -> HeaderMap:
    """Return the headers by lower-case name; of a repeated header the first counts."""
    known: HeaderMap | None = scope.get("header_map")
    if known is None:
        known = scope["header_map"] = dict(reversed(scope["headers"]))
    return known


def header_text(scope: Scope, name: bytes, default: str = "") -> str:
    """Return a header as text."""
    value = header_map(scope).get(name)
    return default if value is None else value.decode("latin-1")
