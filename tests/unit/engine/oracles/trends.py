"""A matcher and a counter of trends that lists every single one (vpl.md section 20)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A step: its event type, its name, and whether it is repeated.

    `least` is the least `w` it takes; `link` compares `w` of consecutive chosen events.
    """

    type: str
    alias: str
    is_many: bool = False
    least: int | None = None
    link: str | None = None

    def source(self) -> str:
        """Return the step as it is written."""
        tests = [] if self.least is None else [f"w >= {self.least}"]
        tests += [] if self.link is None else [f"w {self.link} {self.alias}.w"]
        where = f" where {' and '.join(tests)}" if tests else ""
        return f"{'all ' if self.is_many else ''}{self.type}{where} as {self.alias}"

    def takes(self, event_type: str, fields: Fields) -> bool:
        w = fields.get("w")
        is_enough = self.least is None or (w is not None and w >= self.least)
        return event_type == self.type and is_enough

    def may_follow(self, earlier: Fields, later: Fields) -> bool:
        if self.link is None:
            return True
        one, two = later.get("w"), earlier.get("w")
        if one is None or two is None:
            return False
        return bool({">": one > two, "<=": one <= two, "!=": one != two}[self.link])


@dataclass
class Run:
    at: int
    taken: list[list[Fields]] = field(default_factory=list)


def matches(
    steps: Sequence[Step], events: Sequence[tuple[str, Fields]]
) -> Iterator[tuple[int, list[list[Fields]]]]:
    """Yield the number of the event and what every match has taken by then."""
    runs: list[Run] = []
    last = len(steps) - 1
    for number, (event_type, fields) in enumerate(events):
        for run in list(runs):
            if not _take(run, steps, event_type, fields):
                continue
            if run.at == last:
                yield number, [list(rows) for rows in run.taken]
                if not steps[last].is_many:
                    runs.remove(run)
        if steps[0].takes(event_type, fields):
            runs.append(Run(0, [[fields]]))
            if not last:
                yield number, [[fields]]


def _take(run: Run, steps: Sequence[Step], event_type: str, fields: Fields) -> bool:
    if run.at + 1 < len(steps) and steps[run.at + 1].takes(event_type, fields):
        run.at += 1
        run.taken.append([fields])
        return True
    if steps[run.at].is_many and steps[run.at].takes(event_type, fields):
        run.taken[-1].append(fields)
        return True
    return False


def choices(step: Step, rows: list[Fields]) -> list[tuple[Fields, ...]]:
    """Return every non-empty subset in order, of which all neighbours may follow."""
    found = []
    for size in range(1, len(rows) + 1) if step.is_many else (1,):
        for chosen in combinations(rows, size):
            pairs = pairwise(chosen)
            if all(step.may_follow(one, two) for one, two in pairs):
                found.append(chosen)
    return found


def statistics(steps: Sequence[Step], taken: list[list[Fields]]) -> Fields:
    """Return the value of every function over trends, by name and alias."""
    listed = [choices(step, rows) for step, rows in zip(steps, taken, strict=True)]
    trends = list(product(*listed))
    found: Fields = {
        "n": len(trends),
        "e": sum(len(chosen) for trend in trends for chosen in trend),
    }
    for at, step in enumerate(steps):
        events = [fields for trend in trends for fields in trend[at]]
        found[f"e_{step.alias}"] = len(events)
        values = [fields.get("v") for fields in events]
        total = sum((Fraction(v) for v in values if is_number(v)), Fraction(0))
        found[f"s_{step.alias}"] = float(total)
        found[f"a_{step.alias}"] = float(total / len(trends))
        kept = _of_first_kind([fields.get("v") for fields in taken[at]])
        if kept:
            found[f"lo_{step.alias}"], found[f"hi_{step.alias}"] = min(kept), max(kept)
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_first_kind(values: list[Any]) -> list[Any]:
    """Return the values an extreme looks at: of the kind of the first that has one."""
    known = [v for v in values if is_number(v) or isinstance(v, str)]
    if not known:
        return []
    if isinstance(known[0], str):
        return [v for v in known if isinstance(v, str)]
    return [float(v) for v in known if is_number(v)]
