"""The parameters of a Redis connector (vpl.md section 14)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from engine.connectors.address import address_of, without_secrets
from engine.connectors.base import ConnectorSpec, ConstantValue

DEFAULT_URL = "redis://localhost:6379/0"
DEFAULT_STREAM = "varpulis/events"
DEFAULT_MAXLEN = 100_000  # entries


@dataclass(frozen=True, slots=True)
class RedisParams:
    """Where the streams are; `topic` is "" when the declaration has none."""

    url: str = field(repr=False)  # may hold a password
    topic: str
    group: str
    maxlen: int

    @classmethod
    def of(cls, spec: ConnectorSpec, params: Mapping[str, ConstantValue]) -> Self:
        """Return the parameters of a use with defaults filled in."""
        url = address_of(params, DEFAULT_URL)
        maxlen = params.get("maxlen")
        return cls(
            url=url if "://" in url else f"redis://{url}",
            topic=str(params.get("topic") or ""),
            group=str(params.get("group") or spec.pipeline or spec.name),
            maxlen=maxlen if isinstance(maxlen, int) and maxlen > 0 else DEFAULT_MAXLEN,
        )

    @property
    def where(self) -> str:
        """Return the address without the password."""
        return without_secrets(self.url)
