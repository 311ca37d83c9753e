"""Joins, re-computed naively from vpl.md 11 and 12.

Every source is a list of all its events, searched from the end; nothing is shared with
the engine. Times are whole seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

NO_TIME = -(10**12)
Fields = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """An event: its type, when it is, its fields `k`, `g`, `v`, `n` (a number)."""

    type: str
    at: int
    fields: Fields


@dataclass(frozen=True)
class Source:
    """One source: the name it has in the join, its type, and what it lets through."""

    alias: str
    type: str
    takes: Callable[[Fields], bool] = lambda fields: True


@dataclass(frozen=True)
class Equal:
    """`left.left_field == right.right_field`, sources by place."""

    left: int
    left_field: str
    right: int
    right_field: str

    def ties(self, one: int, other: int) -> tuple[str, str] | None:
        """Return the fields of both sources if it is about them."""
        if (self.left, self.right) == (one, other):
            return self.left_field, self.right_field
        if (self.right, self.left) == (one, other):
            return self.right_field, self.left_field
        return None


@dataclass(frozen=True)
class Join:
    """A join; `window` is None where only the number of events is bounded."""

    sources: tuple[Source, ...]
    equals: tuple[Equal, ...]
    window: int | None = 60
    tests: Callable[[Sequence[Fields]], bool] = lambda chosen: True
    delay: int | None = None
    lateness: int | None = None


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal in VPL; null equals nothing."""
    if one is None or other is None or isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other)


@dataclass
class JoinOracle:
    """Takes events one by one and tells which joined events each of them makes."""

    join: Join
    now: int = NO_TIME
    late: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    arrived: list[list[Given]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arrived = [[] for _ in self.join.sources]

    def take(self, event: Given) -> list[list[Given]]:
        """Return the combinations an event makes, each in the order of the sources."""
        if all(source.type != event.type for source in self.join.sources):
            return []
        self._move(event)
        if self._is_late(event):
            self.late += 1
            return []
        found = []
        for place, source in enumerate(self.join.sources):
            is_taken = source.type == event.type and source.takes(event.fields)
            if is_taken and self._has_key(place, event):
                self.arrived[place].append(event)
                found += self._combine(place, event)
        return found

    def _move(self, event: Given) -> None:
        self.heard[event.type] = max(self.heard.get(event.type, NO_TIME), event.at)
        if self.join.delay is None:
            self.now = max(self.now, event.at)
        else:
            self.now = max(self.now, min(self.heard.values()) - self.join.delay)

    def _is_late(self, event: Given) -> bool:
        if self.join.delay is None or self.join.lateness is None:
            return False
        return event.at < self.now - self.join.lateness

    def _has_key(self, place: int, event: Given) -> bool:
        for equal in self.join.equals:
            if equal.left == place and event.fields.get(equal.left_field) is None:
                return False
            if equal.right == place and event.fields.get(equal.right_field) is None:
                return False
        return True

    def _combine(self, start: int, event: Given) -> list[list[Given]]:
        chosen = {start: event}
        while len(chosen) < len(self.join.sources):
            place = self._next(chosen)
            partner = self._latest(place, chosen)
            if partner is None:
                return []
            chosen[place] = partner
        combination = [chosen[place] for place in range(len(self.join.sources))]
        is_kept = self.join.tests([event.fields for event in combination])
        return [combination] if is_kept else []

    def _next(self, chosen: dict[int, Given]) -> int:
        """Return the first source tied to what is chosen, else the first one left."""
        left = [at for at in range(len(self.join.sources)) if at not in chosen]
        for place in left:
            if any(
                equal.ties(place, other)
                for equal in self.join.equals
                for other in chosen
            ):
                return place
        return left[0]

    def _latest(self, place: int, chosen: dict[int, Given]) -> Given | None:
        for event in reversed(self.arrived[place]):
            if self._counts(event) and self._fits(place, event, chosen):
                return event
        return None

    def _counts(self, event: Given) -> bool:
        return self.join.window is None or self.now - event.at <= self.join.window

    def _fits(self, place: int, event: Given, chosen: dict[int, Given]) -> bool:
        for equal in self.join.equals:
            for other, partner in chosen.items():
                names = equal.ties(place, other)
                if names and not same(
                    event.fields.get(names[0]), partner.fields.get(names[1])
                ):
                    return False
        return True
