"""The parameters of an HTTP connector (vpl.md section 14)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from engine.connectors.address import address_of
from engine.connectors.base import ConnectorSpec, ConstantValue
from engine.connectors.headers import headers_of

DEFAULT_URL = "http://localhost:80/"
DEFAULT_TIMEOUT_S = 10.0
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HttpParams:
    """Where to send requests, how, and how long to wait for an answer."""

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_s: float

    @classmethod
    def of(cls, spec: ConnectorSpec) -> Self:
        """Return the parameters of a declaration with defaults filled in.

        Raises ValueError for headers that are none.
        """
        params = spec.params
        return cls(
            url=address_of(params, DEFAULT_URL),
            method=str(params.get("method") or "POST").upper(),
            headers=headers_of(params.get("headers")),
            timeout_s=_seconds(params.get("timeout")),
        )


def _seconds(value: ConstantValue) -> float:
    """Return a timeout; durations arrive in nanoseconds, small numbers mean seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return DEFAULT_TIMEOUT_S
    return value / NS_PER_S if value >= 1_000_000 else float(value)
