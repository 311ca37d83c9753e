"""What one pipeline may use, by name (section 19): defaults, bounds, and what is wrong.

Limits that a deploy may set are named the same in Python, in options and in HTTP bodies.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from vpl.suggestions import closest

_MANY: Final = 1_000_000_000
_MOST_FAULTS: Final = 20
_SHOWN_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class PipelineLimit:
    """One limit: `default` holds if nobody says otherwise.

    `allowed` is what a worker lets deploys ask for if its operator says nothing, `most`
    what not even the operator may allow. Seconds may have a fraction, counts not.
    """

    name: str
    default: int | float
    allowed: int | float
    most: int | float

    @property
    def is_whole(self) -> bool:
        """Tell whether this is a count, not a number of seconds."""
        return not self.name.startswith(("cpu_s_", "idle_grace_s"))


@dataclass(frozen=True, slots=True)
class LimitFault:
    """Why a limit cannot be set so; `is_kind` if the value is no number at all."""

    name: str
    message: str
    hint: str = ""
    is_kind: bool = False


def _count(name: str, default: int, most: int = _MANY) -> PipelineLimit:
    return PipelineLimit(name, default, default, most)


PIPELINE_LIMITS: Final[Mapping[str, PipelineLimit]] = {
    limit.name: limit
    for limit in (
        PipelineLimit("cpu_s_per_event", 10.0, 10.0, 3600.0),
        # Each call of the language takes several of Python, whose stack is not endless.
        _count("recursion_depth", 200, 1000),
        _count("outputs_per_event", 1_000_000),
        _count("runs", 10_000),
        _count("kleene_events", 10_000),
        _count("join_events_per_key", 1000),
        _count("distinct_keys", 100_000),
        _count("running_values", 100_000),
        _count("partitions", 1_000_000),
        _count("text_chars", 16 * 1024 * 1024),
        _count("array_items", 1_000_000),
        _count("ticks_per_event", 1_000_000),
        # Costs nobody anything: how long a stream waits is for its author to say.
        PipelineLimit("idle_grace_s", 0.5, 3600.0, 3600.0),
    )
}


def limit_faults(
    values: Mapping[str, Any], allowed: Mapping[str, int | float] | None = None
) -> Iterator[LimitFault]:
    """Yield what is wrong with limits someone asks for, in their order, the first ones.

    `allowed` has what may be asked for at most, by name; without it, what an operator
    may allow.
    """
    found = (_fault(name, value, allowed) for name, value in values.items())
    yield from islice(filter(None, found), _MOST_FAULTS)


def limit_values(values: Mapping[str, Any]) -> dict[str, int | float]:
    """Return limits without faults as numbers of their kind: 3.0 runs are 3."""
    return {
        name: int(value) if PIPELINE_LIMITS[name].is_whole else float(value)
        for name, value in values.items()
    }


def _fault(
    name: str, value: Any, allowed: Mapping[str, int | float] | None
) -> LimitFault | None:
    limit = PIPELINE_LIMITS.get(name)
    if limit is None:
        near = closest(name, PIPELINE_LIMITS)
        hint = f"did you mean '{near}'?" if near else _known()
        shown = name[:_SHOWN_CHARS]
        return LimitFault(shown, f"unknown limit '{shown}'", hint)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return LimitFault(name, f"'{name}' must be a number", is_kind=True)
    if not 0 < value < math.inf:  # not NaN either
        return LimitFault(name, f"'{name}' must be above zero")
    if limit.is_whole and value != int(value):
        return LimitFault(name, f"'{name}' must be a whole number")
    most = limit.most if allowed is None else allowed[name]
    if value > most:
        return LimitFault(name, f"'{name}' may be {most:,} at most".replace(",", " "))
    return None


def _known() -> str:
    return "known: " + ", ".join(PIPELINE_LIMITS)
