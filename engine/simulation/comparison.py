"""Comparing outputs with those that were expected (vpl.md 17.2, `test`)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.runtime.times import parse_instant

RELATIVE_TOLERANCE: Final = 1e-9
_MISSING: Final = object()

Output = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One output that is not as expected; None where there is none.

    `place` counts outputs from 1; `fields` names what differs if both are there.
    """

    place: int
    expected: Output | None
    got: Output | None
    fields: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return `missing`, `unexpected` or `different`."""
        if self.got is None:
            return "missing"
        return "unexpected" if self.expected is None else "different"


def differences(
    got: Sequence[Output], expected: Sequence[Output], *, is_unordered: bool
) -> list[Difference]:
    """Return where outputs are not as expected, in order.

    Fields are compared exactly, floats to 1e-9 relative; `timestamp` only where it is
    expected, as an instant. Unordered outputs have to be the same ones as often.
    """
    if is_unordered:
        return _as_sets(got, expected)
    found = []
    for at in range(max(len(got), len(expected))):
        left = got[at] if at < len(got) else None
        right = expected[at] if at < len(expected) else None
        names = _differing(left, right) if left and right else ()
        if names or left is None or right is None:
            found.append(Difference(at + 1, right, left, names))
    return found


def _as_sets(got: Sequence[Output], expected: Sequence[Output]) -> list[Difference]:
    left = list(enumerate(got, start=1))
    found = []
    for place, wanted in enumerate(expected, start=1):
        at = next((i for i, (_, o) in enumerate(left) if not _differing(o, wanted)), -1)
        if at < 0:
            found.append(Difference(place, wanted, None))
        else:
            left.pop(at)
    return found + [Difference(place, None, output) for place, output in left]


def _differing(got: Output, expected: Output) -> tuple[str, ...]:
    names = dict.fromkeys([*expected, *got])
    return tuple(name for name in names if not _is_same_field(name, got, expected))


def _is_same_field(name: str, got: Output, expected: Output) -> bool:
    left, right = got.get(name, _MISSING), expected.get(name, _MISSING)
    if name == "timestamp":
        return right is _MISSING or _is_same_time(left, right)
    return is_same(left, right)


def _is_same_time(got: Any, expected: Any) -> bool:
    if isinstance(got, str) and isinstance(expected, str):
        moment = parse_instant(got)
        return got == expected or (
            moment is not None and moment == parse_instant(expected)
        )
    return is_same(got, expected)


def is_same(got: Any, expected: Any) -> bool:
    """Compare values: kinds exactly, floats to 1e-9 relative, containers deeply."""
    if type(got) is not type(expected):
        return False
    if isinstance(expected, dict):
        return got.keys() == expected.keys() and all(
            is_same(got[key], expected[key]) for key in expected
        )
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(is_same, got, expected))
    if isinstance(expected, float):
        return math.isclose(got, expected, rel_tol=RELATIVE_TOLERANCE)
    return bool(got == expected)
