"""Whether two lists of outputs say the same."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench.result import WrongOutputError

RELATIVE = 1e-9  # sums of the same floats in another order, and no more
Output = dict[str, Any]


def agree(found: Sequence[Output], wanted: Sequence[Output], what: str) -> None:
    """Raise WrongOutputError unless both are equal in order, floats to 1e-9."""
    if len(found) != len(wanted):
        raise WrongOutputError(f"{what}: {len(found)} outputs, not {len(wanted)}")
    for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if not _same(one, other):
            raise WrongOutputError(f"{what}: output {place} is {one}, not {other}")


def agree_unordered(
    found: Iterable[Output], wanted: Iterable[Output], what: str
) -> None:
    """Raise WrongOutputError unless both hold the same, in any order."""
    agree(sorted(found, key=_sortable), sorted(wanted, key=_sortable), what)


def _same(one: Output, other: Output) -> bool:
    return one == other or (
        one.keys() == other.keys()
        and all(_close(value, other[name]) for name, value in one.items())
    )


def _close(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return one == other


def _sortable(output: Output) -> tuple[str, list[float]]:
    """Return a key in which floats count last, so that their noise moves nothing."""
    floats = {n: v for n, v in output.items() if isinstance(v, float)}
    rest = {n: v for n, v in output.items() if n not in floats}
    return json.dumps(rest, sort_keys=True), [floats[name] for name in sorted(floats)]
