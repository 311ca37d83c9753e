"""The closest known name for a mistyped one (vpl.md section 15)."""

from collections.abc import Iterable
from itertools import islice

_MOST = 3
_LONGEST_NAME = 64
_MOST_CANDIDATES = 200


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to `name`, or None if none is near enough.

    Near means an edit distance of at most half the length of `name`, at least 1
    and at most 3; case is ignored. Of equally near names the first one wins.
    """
    limit = min(_MOST, max(1, len(name) // 2))
    if len(name) > _LONGEST_NAME:
        return None
    wanted = name.lower()
    best, best_distance = None, limit + 1
    near = (
        other
        for other in known
        if abs(len(other) - len(name)) <= limit and other != name
    )
    candidates = list(islice(near, _MOST_CANDIDATES))
    for candidate in candidates:
        if candidate.lower() == wanted:
            return candidate
    letters = frozenset(wanted)
    for candidate in candidates:
        # One edit adds or removes at most two letters: a cheap bound from below.
        if len(letters.symmetric_difference(candidate.lower())) >= 2 * best_distance:
            continue
        distance = _distance(wanted, candidate.lower(), best_distance)
        if distance == 1:
            return candidate
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def hint(name: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'X'?` for the closest known name, if there is one."""
    found = closest(name, known)
    return f"did you mean '{found}'?" if found is not None else None


def _distance(left: str, right: str, bound: int) -> int:
    """Return the Levenshtein distance, or `bound` once it cannot be less."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
            diagonal, row[j] = row[j], cost
        if min(row) >= bound:
            return bound
    return row[-1]
