"""How long runs may take: stretches of steps and the waiting after them (10.3, 10.4)."""

from dataclasses import dataclass

from engine.compiler.constants import duration_ns
from engine.compiler.steps import Step
from engine.compiler.steps_layout import Layout
from vpl import Program


@dataclass(frozen=True, slots=True)
class Bound:
    """A stretch as numbers: it ends with the step at place `end`; `ns` is its length."""

    end: int
    ns: int


class Deadlines:
    """The stretches of one sequence.

    Steps have places 0, 1 ..; after the last comes a place for waiting. In branches of
    several chains all steps have place 0.
    """

    def __init__(self, layout: Layout, program: Program) -> None:
        self.layout = layout
        sequence = layout.sequence
        chains = sequence.chains
        self._is_single = len(chains) == 1
        self._last = len(chains[0].steps) - 1 if self._is_single else 0
        is_awaiting = any(branch.is_awaiting for branch in sequence.branches)
        self.bounds: list[Bound] = []
        for stretch in sequence.stretches:
            ns = duration_ns(program, stretch.within, "'.within'")
            end = self._last
            if stretch.end is not None:
                end = self.place(layout.step(stretch.end))
            elif is_awaiting and sequence.absence is None:
                end += 1
            self.bounds.append(Bound(end, ns))
        if sequence.absence_within is not None:
            ns = duration_ns(program, sequence.absence_within, "'.within'")
            self.bounds.append(Bound(self._last + 1, ns))

    @property
    def waiting_ns(self) -> int:
        """Return the length of the stretch that a waiting run waits for."""
        bound = self.at(self._last + 1)
        return 0 if bound is None else bound.ns

    @property
    def moves(self) -> bool:
        """Tell whether deadlines change during the life of a run."""
        return len(self.bounds) > 1 or (
            bool(self.bounds) and self.bounds[0].end < self._last
        )

    def place(self, step: Step) -> int:
        """Return the place of a step."""
        if not self._is_single:
            return 0
        return self.layout.sequence.chains[0].taken(step.number)

    def at(self, place: int) -> Bound | None:
        """Return the stretch that bounds the step at a place, None if nothing does."""
        return next((bound for bound in self.bounds if bound.end >= place), None)

    def after(self, step: Step, *, is_waiting: bool) -> Bound | None:
        """Return the stretch that bounds what follows a step."""
        if is_waiting:
            return self.at(self._last + 1)
        return self.at(min(self.place(step) + 1, self._last))

    def is_split(self, step: Step) -> bool:
        """Tell whether a repeated step and what follows it have bounds of their own."""
        if not step.is_many or not self._is_single:
            return False
        is_last = self.place(step) == self._last
        if is_last and self.layout.sequence.absence is None:
            return False
        return self.at(self.place(step)) is not self.after(step, is_waiting=is_last)
