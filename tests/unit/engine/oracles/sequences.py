"""A matcher written straight from vpl.md 10.2 to 10.6: lists, no index, no haste.

It takes programs as data (`Program`), writes them as VPL (`source`) and tells what they
have to give (`Matcher`). Times are whole seconds. Fields are `k`, `v` and the id `i`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]  # type, at (seconds), i, and perhaps k and v
FOREVER = 10**9


@dataclass(frozen=True)
class Check:
    """`field op value`, or `field op alias.other` where an alias is given."""

    field: str
    op: str
    alias: str | None
    other: Any

    def text(self) -> str:
        right = repr(self.other) if self.alias is None else f"{self.alias}.{self.other}"
        return f"{self.field} {self.op} {right}"


@dataclass(frozen=True)
class Look:
    """One event type with its filter."""

    type: str
    alias: str | None
    tests: tuple[Check, ...] = ()
    repeat: str = ""

    @property
    def is_many(self) -> bool:
        return self.repeat in {"+", "*"}

    def where(self) -> str:
        listed = " and ".join(test.text() for test in self.tests)
        return f" where {listed}" if listed else ""

    def text(self) -> str:
        alias = f" as {self.alias}" if self.alias else ""
        return f"{self.type}{self.repeat}{self.where()}{alias}"

    def arrow(self) -> str:
        alias = f" as {self.alias}" if self.alias else ""
        return f"{'all ' if self.is_many else ''}{self.type}{self.where()}{alias}"


Step = tuple[Look, ...]


@dataclass(frozen=True)
class Program:
    """A stream: `arrow`, or a named pattern of form `seq`, `and` or `or`.

    `bounds` are the `.within` after steps of `arrow` by place, `within` that of a
    pattern. `nots` stand after so many steps (`and`: anywhere). `absence` is
    `.not(..).within(..)`.
    """

    form: str
    steps: tuple[Step, ...]
    bounds: tuple[tuple[int, int], ...] = ()
    within: int | None = None
    nots: tuple[tuple[int, Look], ...] = ()
    cancels: tuple[Look, ...] = ()
    absence: tuple[Look, int] | None = None
    is_keyed: bool = False

    @property
    def looks(self) -> list[Look]:
        return [look for step in self.steps for look in step]

    def source(self) -> str:
        """Return the program in VPL."""
        lines = []
        if self.form == "arrow":
            body = self._arrows()
        else:
            lines.append(f"pattern P = {self._pattern()}")
            body = "P"
        for look in self.cancels:
            body += f" .not({look.type}{look.where()})"
        if self.absence is not None:
            look, seconds = self.absence
            body += f" .not({look.type}{look.where()}).within({seconds}s)"
        if self.is_keyed and self.form == "arrow":
            body += " .partition_by(k)"
        lines.append(f"stream S = {body} .emit({self._fields()})")
        return "\n".join(lines)

    def _arrows(self) -> str:
        bounds = dict(self.bounds)
        parts = []
        for at, (look,) in enumerate(self.steps):
            within = f" .within({bounds[at]}s)" if at in bounds else ""
            parts.append(look.arrow() + within)
        return " -> ".join(parts)

    def _pattern(self) -> str:
        word = {"and": " AND ", "or": " OR "}.get(self.form, ", ")
        items: list[str] = []
        for at in range(len(self.steps) + 1):
            items += [f"NOT {look.text()}" for place, look in self.nots if place == at]
            if at < len(self.steps):
                step = self.steps[at]
                text = " OR ".join(look.text() for look in step)
                items.append(f"({text})" if len(step) > 1 else text)
        root = word.join(items)
        root = f"SEQ({root})" if self.form == "seq" else root
        within = "" if self.within is None else f" within {self.within}s"
        return root + within + (" partition by k" if self.is_keyed else "")

    def _fields(self) -> str:
        fields = ["ms: match_duration_ms", "last: i", "at: timestamp"]
        for look in self.looks:
            if look.alias is not None:
                value = f"{look.alias}.i"
                if look.is_many:
                    value = f"{look.alias}.map(e => e.i)"
                fields.append(f"{look.alias}: {value}")
        if self.is_keyed:
            fields.append("p: _partition")
        return ", ".join(fields)


@dataclass
class Run:
    """What was taken, by step: pairs of look and event; `order` is all of it."""

    taken: dict[int, list[tuple[Look, Event]]] = field(default_factory=dict)
    order: list[Event] = field(default_factory=list)
    age: int = 0

    @property
    def at(self) -> int:
        return max(self.taken, default=-1)

    def take(self, step: int, look: Look, event: Event) -> None:
        self.taken.setdefault(step, []).append((look, event))
        self.order.append(event)

    def events(self, alias: str) -> list[Event]:
        return [
            event
            for pairs in self.taken.values()
            for look, event in pairs
            if look.alias == alias
        ]


def same(a: Any, b: Any) -> bool:
    """Return VPL's equality of two values that are not null."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def compare(op: str, a: Any, b: Any) -> bool:
    """Tell whether `a op b` is true."""
    if a is None or b is None:
        return False
    if op == "==":
        return same(a, b)
    if op == "!=":
        return not same(a, b)
    numbers = all(
        isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b)
    )
    if not numbers and not (isinstance(a, str) and isinstance(b, str)):
        return False
    return bool(a < b if op == "<" else a > b)


def key_of(event: Event) -> Any:
    value = event.get("k")
    return ("bool", value) if isinstance(value, bool) else value


class Matcher:
    """Runs a program over events; returns what `.emit` gives, in order."""

    def __init__(self, program: Program, runs: int, kleene: int) -> None:
        self.program = program
        self.limit = runs
        self.kleene = kleene
        self.runs: list[Run] = []
        self.now = -FOREVER
        self.age = 0
        self.out: list[dict[str, Any]] = []

    def run(self, events: list[Event], *, flush: bool) -> list[dict[str, Any]]:
        for event in events:
            if event["type"] in self.types():
                self.arrive(event)
        if flush:
            self.expire(FOREVER - 1)
        return self.out

    def types(self) -> set[str]:
        program = self.program
        looks = [*program.looks, *program.cancels, *(look for _, look in program.nots)]
        if program.absence is not None:
            looks.append(program.absence[0])
        return {look.type for look in looks}

    def arrive(self, event: Event) -> None:
        self.now = max(self.now, event["at"])
        self.expire(self.now)
        mine = [run for run in self.runs if self.shares_key(run, event)]
        for run in mine:
            if any(
                self.fits(run, look, event, look.tests) for look in self.negations(run)
            ):
                self.runs.remove(run)
        for run in mine:
            if run in self.runs:
                self.offer(run, event)
        self.start(event)

    def shares_key(self, run: Run, event: Event) -> bool:
        return not self.program.is_keyed or key_of(run.order[0]) == key_of(event)

    # --- filters ----------------------------------------------------------------------

    def fits(
        self, run: Run, look: Look, event: Event, tests: tuple[Check, ...]
    ) -> bool:
        if look.type != event["type"]:
            return False
        return all(self.holds(run, look, event, test) for test in tests)

    def holds(self, run: Run, look: Look, event: Event, test: Check) -> bool:
        value = test.other
        if test.alias is not None:
            if test.alias == look.alias and not look.is_many:
                value = event.get(test.other)
            else:
                found = run.events(test.alias)
                value = found[-1].get(test.other) if found else None
        return compare(test.op, event.get(test.field), value)

    def tests_of(self, run: Run, step: int, look: Look) -> tuple[Check, ...]:
        if look.is_many and step not in run.taken:
            return tuple(test for test in look.tests if test.alias != look.alias)
        return look.tests

    # --- steps ------------------------------------------------------------------------

    @property
    def is_awaiting(self) -> bool:
        last = len(self.program.steps)
        if self.program.form == "and":
            return bool(self.program.nots)
        return self.program.absence is not None or any(
            place == last for place, _ in self.program.nots
        )

    def is_optional(self, step: int) -> bool:
        return any(look.repeat in {"*", "?"} for look in self.program.steps[step])

    def is_final(self, run: Run) -> bool:
        steps = range(run.at + 1, len(self.program.steps))
        return run.at >= 0 and all(map(self.is_optional, steps))

    def next_steps(self, run: Run) -> Iterator[int]:
        """Yield the steps a run is offered, in order."""
        repeats = run.at >= 0 and any(
            look.is_many for look in self.program.steps[run.at]
        )
        if not self.is_final(run) or self.is_awaiting:
            for step in range(run.at + 1, len(self.program.steps)):
                yield step
                if not self.is_optional(step):
                    break
        if repeats:
            yield run.at

    def negations(self, run: Run) -> list[Look]:
        found = list(self.program.cancels)
        for place, look in self.program.nots:
            between = range(run.at + 1, place)
            if run.at < place and all(map(self.is_optional, between)):
                found.append(look)
        if self.program.absence is not None and self.is_final(run):
            found.append(self.program.absence[0])
        return found

    def offer(self, run: Run, event: Event) -> None:
        for step in self.next_steps(run):
            if self.now > self.bound(run, step):
                continue
            for look in self.program.steps[step]:
                if step == run.at and not look.is_many:
                    continue
                if self.fits(run, look, event, self.tests_of(run, step, look)):
                    self.take(run, step, look, event)
                    return

    def take(self, run: Run, step: int, look: Look, event: Event) -> None:
        if look.is_many and sum(lo == look for lo, _ in run.taken.get(step, [])) >= (
            self.kleene
        ):
            self.runs.remove(run)
            return
        run.take(step, look, event)
        if self.is_final(run) and not self.is_awaiting:
            self.match(run)
            if not any(look.is_many for look in self.program.steps[step]):
                self.runs.remove(run)

    def start(self, event: Event) -> None:
        run = Run()
        for step in self.next_steps(run):
            for look in self.program.steps[step]:
                if self.fits(run, look, event, self.tests_of(run, step, look)):
                    run.take(step, look, event)
                    self.begin(run, step)
                    return

    def begin(self, run: Run, step: int) -> None:
        is_done = self.is_final(run) and not self.is_awaiting
        stays = not is_done or any(look.is_many for look in self.program.steps[step])
        if stays:
            if len(self.runs) >= self.limit:
                return
            self.age += 1
            run.age = self.age
            self.runs.append(run)
        if is_done:
            self.match(run)

    # --- time -------------------------------------------------------------------------

    def boundaries(self) -> list[tuple[int, int]]:
        """Return the ends of stretches: last step bounded, and seconds."""
        last = len(self.program.steps) - 1
        found = list(self.program.bounds)
        if self.program.within is not None:
            is_waiting = self.is_awaiting and self.program.absence is None
            found.append((last + is_waiting, self.program.within))
        if self.program.absence is not None:
            found.append((last + 1, self.program.absence[1]))
        return found

    def bound(self, run: Run, step: int) -> int:
        """Return until when a run may take a step (after the last: wait)."""
        begin = run.order[0]["at"]
        for end, seconds in self.boundaries():
            if end >= step:
                return int(begin + seconds)
            if end in run.taken:
                begin = run.taken[end][-1][1]["at"]
            elif self.is_final(run):  # the last required step ended the stretch
                begin = self.completed(run)["at"]
        return FOREVER

    def completed(self, run: Run) -> Event:
        """Return the event that took the last required step."""
        required = [
            s for s in range(len(self.program.steps)) if not self.is_optional(s)
        ]
        step = required[-1] if required else run.at
        return run.taken[step][-1][1]

    def deadline(self, run: Run) -> int:
        last = len(self.program.steps)
        if self.is_final(run):
            if self.is_awaiting:
                return self.bound(run, last)
            return self.bound(run, run.at)
        following = self.bound(run, run.at + 1)
        if any(look.is_many for look in self.program.steps[run.at]):
            return max(following, self.bound(run, run.at))
        return following

    def expire(self, now: int) -> None:
        due = [run for run in self.runs if self.deadline(run) < now]
        for run in sorted(due, key=lambda run: (self.deadline(run), run.age)):
            self.runs.remove(run)
            if self.is_final(run) and self.is_awaiting:
                self.match(run, self.waiting())

    def waiting(self) -> int:
        seconds = self.boundaries()[-1][1]
        return seconds * 1000

    # --- matches ----------------------------------------------------------------------

    def match(self, run: Run, duration: int | None = None) -> None:
        latest = max(event["at"] for event in run.order)
        if duration is None:
            duration = (latest - run.order[0]["at"]) * 1000
        found: dict[str, Any] = {
            "ms": duration,
            "last": run.order[-1]["i"],
            "at": latest,
        }
        for look in self.program.looks:
            if look.alias is None:
                continue
            ids = [event["i"] for event in run.events(look.alias)]
            if ids:
                found[look.alias] = ids if look.is_many else ids[-1]
        if self.program.is_keyed and run.order[0].get("k") is not None:
            found["p"] = run.order[0]["k"]
        self.out.append(found)


class BothMatcher(Matcher):
    """`A AND B ..`, perhaps with `NOT C`: any order, distinct events."""

    def is_final(self, run: Run) -> bool:
        return len(run.taken) == len(self.program.steps)

    def negations(self, run: Run) -> list[Look]:
        return [*self.program.cancels, *(look for _, look in self.program.nots)]

    def next_steps(self, run: Run) -> Iterator[int]:
        for step, (look,) in enumerate(self.program.steps):
            if step not in run.taken or look.is_many:
                yield step

    def offer(self, run: Run, event: Event) -> None:
        for step in self.next_steps(run):
            [look] = self.program.steps[step]
            if look.type == event["type"] and self.agree(run, step, look, event):
                self.take(run, step, look, event)
                return

    def agree(self, run: Run, step: int, look: Look, event: Event) -> bool:
        """Tell whether all filters hold whose events are there."""
        own = self.tests_of(run, step, look)
        if not all(self.holds(run, look, event, test) for test in self.ready(run, own)):
            return False
        trial = Run(dict(run.taken), list(run.order))
        trial.taken[step] = [*run.taken.get(step, []), (look, event)]
        for other, pairs in run.taken.items():
            if other == step:
                continue
            for test in pairs[-1][0].tests:
                if test.alias != look.alias:
                    continue
                if not self.holds(trial, *pairs[-1], test):
                    return False
        return True

    def ready(self, run: Run, tests: tuple[Check, ...]) -> list[Check]:
        others = {look.alias for look in self.program.looks}
        return [
            test
            for test in tests
            if test.alias not in others or run.events(test.alias) or self.is_own(test)
        ]

    def is_own(self, test: Check) -> bool:
        return any(
            look.alias == test.alias and test in look.tests
            for look in self.program.looks
        )

    def take(self, run: Run, step: int, look: Look, event: Event) -> None:
        if look.is_many and len(run.taken.get(step, [])) >= self.kleene:
            self.runs.remove(run)
            return
        run.take(step, look, event)
        if self.is_final(run) and not self.is_awaiting:
            self.match(run)
            self.runs.remove(run)

    def start(self, event: Event) -> None:
        run = Run()
        for step, (look,) in enumerate(self.program.steps):
            own = self.tests_of(run, step, look)
            fits = look.type == event["type"] and all(
                self.holds(run, look, event, test) for test in self.ready(run, own)
            )
            if fits:
                run.take(step, look, event)
                if self.is_final(run) and not self.is_awaiting:
                    self.match(run)
                elif len(self.runs) < self.limit:
                    self.age += 1
                    run.age = self.age
                    self.runs.append(run)
                return

    def deadline(self, run: Run) -> int:
        within = self.program.within
        return FOREVER if within is None else int(run.order[0]["at"] + within)


def matcher(program: Program, runs: int = 10_000, kleene: int = 10_000) -> Matcher:
    """Return the matcher of a program."""
    if program.form == "and":
        return BothMatcher(program, runs, kleene)
    if program.form == "or":
        step = tuple(look for step in program.steps for look in step)
        flat = Program(
            "or",
            (step,),
            within=program.within,
            is_keyed=program.is_keyed,
        )
        return Matcher(flat, runs, kleene)
    return Matcher(program, runs, kleene)
