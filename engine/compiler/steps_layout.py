"""Where runs of a sequence can stand, and how events find the runs they concern.

A run has one position per chain of its branch: the number of the step taken last. Every
option of a step and every negation has a set of positions at which it concerns a run. An
equality between a field of the arriving event and a field of an event taken before is
looked up in an index over the runs at those positions, instead of being tested run by run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.compiler.steps import (
    Branch,
    Chain,
    Negation,
    Option,
    Sequence,
    Step,
    mentioned,
    parts_of,
)
from vpl import nodes, walk
from vpl.nodes import Expr

PARTITION: Final = (-1, "")
KeyPart = tuple[int, str]
"""Slot and field of a part of a run's key, or PARTITION."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index over the runs at some positions; without key parts it lists them all."""

    parts: tuple[KeyPart, ...]
    positions: frozenset[int]


@dataclass(frozen=True, slots=True)
class Lookup:
    """How an event finds the runs an option or a negation concerns.

    `keys` are expressions about the event, one for each key part but the partition;
    `rest` are the parts of the filter that remain to be tested.
    """

    index: int
    keys: tuple[Expr, ...]
    rest: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step or chain belongs: its branch, and which position of a run it is."""

    branch: Branch
    chain: Chain
    column: int


class Layout:
    """Positions, indexes and look-ups of one sequence."""

    def __init__(self, sequence: Sequence) -> None:
        self.sequence = sequence
        self.slots = sequence.named_slots
        self.names = frozenset(self.slots)
        self.places: dict[int, Place] = {}
        self.indexes: list[IndexSpec] = []
        self.lookups: dict[int, Lookup] = {}
        for branch in sequence.branches:
            for column, chain in enumerate(branch.chains):
                for position in chain.positions:
                    self.places[position] = Place(branch, chain, column)
        self.columns = max(len(branch.chains) for branch in sequence.branches)
        self.many = frozenset(o.slot for o in sequence.options if o.is_many)
        self._steps = {step.number: step for step in self.steps}
        self._homes = {
            option.slot: step for step in self.steps for option in step.options
        }
        self._before: dict[int, set[int]] = {step.number: set() for step in self.steps}
        for chain in sequence.chains:
            for position in self.live(chain):
                for step in self.awaited(position):
                    self._before[step.number].add(position)
        self._numbers: dict[IndexSpec, int] = {}
        self._make_lookups()

    # --- positions ------------------------------------------------------------------

    @property
    def steps(self) -> Iterator[Step]:
        """Yield all steps."""
        for chain in self.sequence.chains:
            yield from chain.steps

    def is_awaiting(self, branch: Branch) -> bool:
        """Tell whether runs of a branch wait for a deadline after the last step."""
        return self.sequence.absence is not None or branch.is_awaiting

    def stays(self, step: Step) -> bool:
        """Tell whether a run stays where it is after the match that this step makes."""
        place = self.places[step.number]
        return step.is_many and len(place.branch.chains) == 1

    def is_live(self, position: int) -> bool:
        """Tell whether a run can stand at a position between two events."""
        place = self.places[position]
        if len(place.branch.chains) > 1:
            return True
        if position == place.chain.start:
            return False
        if not place.chain.is_final(position) or self.is_awaiting(place.branch):
            return True
        return self.stays(self.step(position))

    def others(self, step: Step) -> tuple[Option, ...]:
        """Return the options of the other chains of a step's branch."""
        place = self.places[step.number]
        return tuple(
            option
            for chain in place.branch.chains
            if chain is not place.chain
            for other in chain.steps
            for option in other.options
        )

    def needed(self, part: Expr, step: Step) -> list[int]:
        """Return the slots of other chains that a part of a filter reads.

        Such a part is tested once they are filled (10.6).
        """
        named = {slot: alias for alias, slot in self.slots.items()}
        found = []
        for option in self.others(step):
            alias = named.get(option.slot)
            if alias is not None and mentioned(part, frozenset((alias,))):
                found.append(option.slot)
        return found

    def step(self, number: int) -> Step:
        """Return the step of a number."""
        return self._steps[number]

    def awaited(self, position: int) -> tuple[Step, ...]:
        """Return the steps a run at a live position may take next, in order of offers."""
        place = self.places[position]
        found = place.chain.awaited(position)
        is_done = place.chain.is_final(position) and len(place.branch.chains) == 1
        if is_done and not self.is_awaiting(place.branch):
            return tuple(step for step in found if step.number == position)
        return found

    def live(self, chain: Chain) -> list[int]:
        """Return the live positions of a chain."""
        return [position for position in chain.positions if self.is_live(position)]

    def before(self, step: Step) -> frozenset[int]:
        """Return the positions from which a step may be taken."""
        return frozenset(self._before[step.number])

    def negated(self, negation: Negation) -> frozenset[int]:
        """Return the positions at which a negation counts."""
        if negation.after is not None:
            chain = next(c for c in self.sequence.chains if negation in c.negations)
            after = negation.after
            return frozenset(
                at for at in self.live(chain) if chain.is_negated(at, after)
            )
        branches = [
            branch
            for branch in self.sequence.branches
            if negation in branch.negations or negation not in self._of_branches()
        ]
        first = [branch.chains[0] for branch in branches]
        found = (at for chain in first for at in self.live(chain))
        if negation is self.sequence.absence:
            return frozenset(at for at in found if self.places[at].chain.is_final(at))
        return frozenset(found)

    def _of_branches(self) -> list[Negation]:
        return [n for branch in self.sequence.branches for n in branch.negations]

    def home(self, slot: int) -> Step:
        """Return the step that fills a slot."""
        return self._homes[slot]

    def is_present(self, slot: int, position: int) -> bool | None:
        """Tell whether a run at a position has an event in a slot; None for perhaps."""
        place = self.places[position]
        step = self._homes[slot]
        home = self.places[step.number]
        taken = place.chain.taken(position)
        if home.chain is place.chain:
            at = home.chain.taken(step.number)
            if at > taken:
                return False
            is_sure = len(step.options) == 1
            is_sure = is_sure and (at == taken or not step.is_optional)
            return True if is_sure else None
        if home.branch is not place.branch:
            return False
        others = place.branch.chains
        return True if self._is_other_started(others, place, slot, taken) else None

    def _is_other_started(
        self, chains: tuple[Chain, ...], place: Place, slot: int, taken: int
    ) -> bool:
        """Tell whether the slot is that of the one step that began the run."""
        others = [chain for chain in chains if chain is not place.chain]
        if taken >= 0 or len(others) != 1 or len(others[0].steps) != 1:
            return False
        options = others[0].steps[0].options
        return len(options) == 1 and options[0].slot == slot

    # --- look-ups -------------------------------------------------------------------

    def _make_lookups(self) -> None:
        for step in self.steps:
            for option in step.options:
                self._make(option, self.before(step))
        for negation in self.sequence.negations:
            self._make(negation.option, self.negated(negation))

    def _make(self, option: Option, positions: frozenset[int]) -> None:
        keys: list[Expr] = []
        parts: list[KeyPart] = [PARTITION] if self.sequence.keys else []
        rest: list[Expr] = []
        may_lift = True
        for part in parts_of(option.filters):
            found = self._equality(part, option, positions) if may_lift else None
            may_lift = may_lift and not any(
                isinstance(node, nodes.Call) for node in walk(part)
            )
            if found is None:
                rest.append(part)
                continue
            key, slot, name, positions = found
            if self._is_partition(key, name):
                rest.append(nodes.KindTest(key, "null", True, span=part.span))
            elif (slot, name) not in parts:
                keys.append(key)
                parts.append((slot, name))
            else:
                rest.append(part)
        spec = IndexSpec(tuple(parts), positions)
        index = self._numbers.setdefault(spec, len(self.indexes))
        if index == len(self.indexes):
            self.indexes.append(spec)
        self.lookups[option.slot] = Lookup(index, tuple(keys), tuple(rest))

    def _equality(
        self, part: Expr, option: Option, positions: frozenset[int]
    ) -> tuple[Expr, int, str, frozenset[int]] | None:
        """Return candidate's key, slot, field and the positions where both are there.

        None if the part is no equality with a field of an event taken before.
        """
        if not isinstance(part, nodes.Binary) or part.op != "==":
            return None
        for own, other in ((part.left, part.right), (part.right, part.left)):
            match other:
                case nodes.Member(target=nodes.Name(id=alias), name=name) if (
                    alias in self.slots and self._is_own(own, option)
                ):
                    slot = self.slots[alias]
                    there = self._positions(slot, option, positions)
                    if there is not None:
                        return own, slot, name, there
        return None

    def _positions(
        self, slot: int, option: Option, positions: frozenset[int]
    ) -> frozenset[int] | None:
        """Return the positions at which a slot is filled, None if it is not sure.

        Where it is empty the equality is null, so nothing is lost.
        """
        if slot in self.many or slot == option.slot:
            return None
        known = {position: self.is_present(slot, position) for position in positions}
        if None in known.values():
            return None
        return frozenset(position for position, is_there in known.items() if is_there)

    def _is_own(self, key: Expr, option: Option) -> bool:
        """Tell whether an expression is about the arriving event alone."""
        allowed = {option.alias or option.name} if not option.is_many else set()
        if isinstance(key, nodes.Literal):
            return False
        if any(isinstance(node, nodes.Call | nodes.Lambda) for node in walk(key)):
            return False
        return not mentioned(key, self.names - allowed)

    def _is_partition(self, key: Expr, name: str) -> bool:
        """Tell whether runs of a partition have the key, unless it is null."""
        return (
            isinstance(key, nodes.Name)
            and key.id == name
            and key in self.sequence.keys
            and not any(op.name == "select" for op in self.sequence.first_ops)
        )
