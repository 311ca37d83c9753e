"""How the caller of inject-batch wants the batch taken and answered."""

from dataclasses import dataclass
from typing import Self

from cluster.hot.inject import ACKS
from cluster.hot.request import HotRequest

OUTPUTS = ("all", "count", "none")
DEFAULT_OUTPUTS_LIMIT = 1000
LARGEST_OUTPUTS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The query of a call; `ack` and `outputs` are also what its workers are asked."""

    ack: str
    outputs: str
    outputs_limit: int
    aborts: bool

    @classmethod
    def of(cls, request: HotRequest) -> Self:
        """Read them; raises 400."""
        on_error = request.choice("on_error", "continue", ("continue", "abort"))
        return cls(
            ack=request.choice("ack", "processed", ACKS),
            outputs=request.choice("outputs", "all", OUTPUTS),
            outputs_limit=request.whole_number(
                "outputs_limit", DEFAULT_OUTPUTS_LIMIT, LARGEST_OUTPUTS_LIMIT
            ),
            aborts=on_error == "abort",
        )
