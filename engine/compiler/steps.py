"""What a sequence looks for: steps in chains, chains in branches (vpl.md section 10).

All forms come down to this: `->`, `sequence(..)` and `SEQ(..)` are one chain, `AND` is a
branch of several chains that advance side by side, `OR` of larger parts are several
branches of which a run follows one.
"""

from collections import Counter
from dataclasses import dataclass

from vpl import nodes, walk
from vpl.nodes import Expr


@dataclass(frozen=True, slots=True)
class Option:
    """One event type that a step takes, or a `not` looks at.

    `filters` must all hold. `slot` numbers the place in the run where the event is kept,
    `is_many` tells that a list of events is kept there. `links` are conditions between
    consecutive events of a trend; they do not decide what is taken.
    """

    slot: int
    name: str
    filters: tuple[Expr, ...]
    alias: str | None
    is_many: bool = False
    links: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain; it takes an event that fits one of its options.

    `number` is unique in the sequence and stands for the position of a run that took
    this step last. `ops` act on the event when it is taken.
    """

    number: int
    options: tuple[Option, ...]
    is_optional: bool = False
    ops: tuple[nodes.Operation, ...] = ()

    @property
    def is_many(self) -> bool:
        """Tell whether it takes more than one event."""
        return any(option.is_many for option in self.options)


@dataclass(frozen=True, slots=True)
class Negation:
    """An event that ends runs.

    In a chain `after` is the number of steps before it; elsewhere it is None.
    `is_awaited` tells that its absence is waited for: it counts once all steps are taken.
    """

    option: Option
    after: int | None = None
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that are taken one after the other, and what must not come between."""

    start: int
    steps: tuple[Step, ...]
    negations: tuple[Negation, ...] = ()

    def awaited(self, position: int) -> tuple[Step, ...]:
        """Return the steps a run at `position` may take next, in order of offers.

        The nearest come first; a repeated step that was taken last comes last.
        """
        at = self.taken(position)
        found = []
        for step in self.steps[at + 1 :]:
            found.append(step)
            if not step.is_optional:
                break
        if at >= 0 and self.steps[at].is_many:
            found.append(self.steps[at])
        return tuple(found)

    def is_final(self, position: int) -> bool:
        """Tell whether no required step is left."""
        at = self.taken(position)
        return all(step.is_optional for step in self.steps[at + 1 :])

    def is_negated(self, position: int, after: int) -> bool:
        """Tell whether a negation after the first `after` steps counts at `position`."""
        at = self.taken(position)
        if at < 0 or at >= after:
            return False
        return all(step.is_optional for step in self.steps[at + 1 : after])

    @property
    def positions(self) -> tuple[int, ...]:
        """Return all positions, the one before the first step included."""
        return (self.start, *(step.number for step in self.steps))

    def taken(self, position: int) -> int:
        """Return the index of the step taken last, -1 before the first.

        The steps of a chain are numbered one after the other from `start` on.
        """
        return position - self.start - 1


@dataclass(frozen=True, slots=True)
class Branch:
    """Chains that a run has to finish, all of them; `negations` count for all of it."""

    chains: tuple[Chain, ...]
    negations: tuple[Negation, ...] = ()

    @property
    def is_awaiting(self) -> bool:
        """Tell whether it matches by the absence of something at its deadline."""
        found = [*self.negations, *(n for c in self.chains for n in c.negations)]
        return any(negation.is_awaited for negation in found)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bound on the time up to the step of number `end` (None: up to the last)."""

    end: int | None
    within: Expr


@dataclass(frozen=True, slots=True)
class Sequence:
    """Everything a stream looks for.

    `cancels` end runs at any position, `absence` is the stream's own `.not(..).within(..)`
    with its bound. `keys` are the partition, `first_ops` act on events of the first step,
    `ops` on matches, `match_names` are aliases of the whole match.
    """

    branches: tuple[Branch, ...]
    stretches: tuple[Stretch, ...]
    cancels: tuple[Negation, ...] = ()
    absence: Negation | None = None
    absence_within: Expr | None = None
    keys: tuple[Expr, ...] = ()
    first_ops: tuple[nodes.Operation, ...] = ()
    ops: tuple[nodes.Operation, ...] = ()
    match_names: frozenset[str] = frozenset()
    slots: int = 0

    @property
    def chains(self) -> tuple[Chain, ...]:
        """Return the chains of all branches."""
        return tuple(chain for branch in self.branches for chain in branch.chains)

    @property
    def options(self) -> tuple[Option, ...]:
        """Return what the steps take, in order."""
        return tuple(
            option
            for chain in self.chains
            for step in chain.steps
            for option in step.options
        )

    @property
    def negations(self) -> tuple[Negation, ...]:
        """Return all that ends runs."""
        found = list(self.cancels)
        if self.absence is not None:
            found.append(self.absence)
        for branch in self.branches:
            found += branch.negations
            for chain in branch.chains:
                found += chain.negations
        return tuple(found)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names it consumes."""
        named = [option.name for option in self.options]
        named += [negation.option.name for negation in self.negations]
        return tuple(dict.fromkeys(named))

    @property
    def named_slots(self) -> dict[str, int]:
        """Return the slots by the names that read them.

        A step without alias is read by its event type where only one has that type.
        """
        options = self.options
        found = {o.alias: o.slot for o in options if o.alias is not None}
        types = Counter(o.name for o in options if o.alias is None)
        for option in options:
            if option.alias is None and types[option.name] == 1:
                found.setdefault(option.name, option.slot)
        return found


def parts_of(filters: tuple[Expr, ...]) -> list[Expr]:
    """Return the top-level `and` parts of all filters, in order."""
    found: list[Expr] = []
    waiting = list(reversed(filters))
    while waiting:
        part = waiting.pop()
        if isinstance(part, nodes.Binary) and part.op == "and":
            waiting += [part.right, part.left]
        else:
            found.append(part)
    return found


def all_of(parts: list[Expr]) -> Expr | None:
    """Return `and` of the parts, None if there are none."""
    whole: Expr | None = None
    for part in parts:
        whole = (
            part if whole is None else nodes.Binary("and", whole, part, span=part.span)
        )
    return whole


def mentioned(part: Expr, names: frozenset[str]) -> frozenset[str]:
    """Return which of `names` an expression may read."""
    read = {node.id for node in walk(part) if isinstance(node, nodes.Name)}
    return names & read
