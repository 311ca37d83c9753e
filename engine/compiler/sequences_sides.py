"""Filters between the sides of an `AND` -> source lines (vpl.md 10.6)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.compiler.code import constant
from engine.compiler.current import Current
from engine.compiler.kinds import STR
from engine.compiler.readers import Part
from engine.compiler.sequences_arrival import Offer
from engine.compiler.sequences_events import (
    own_names,
    own_parts,
    slot_variable,
    step_event,
)
from engine.compiler.sequences_moves import MoveWriter
from engine.compiler.steps import (
    mentioned,
    parts_of,
)
from vpl.nodes import Expr


class SideWriter(MoveWriter):
    """Writes tests that wait until both events are there."""

    def _if_sides_fit(self, offer: Offer, later: Sequence[Expr]) -> None:
        """Write the tests between sides, of those events that are there already."""
        here = step_event(
            self.stream, self.code, self.current, self._own(offer), offer.positions
        )
        tests = [(here, part, self.layout.needed(part, offer.step)) for part in later]
        tests += self._tests_of_others(offer)
        self._all_sides(tests, lambda: self._take(offer))

    def _tests_of_others(self, offer: Offer) -> list[tuple[Current, Expr, list[int]]]:
        """Return the filters of events taken before that name the arriving event."""
        own = frozenset(own_names(self.code, offer.option))
        found = []
        for other in self.layout.others(offer.step):
            step = next(s for s in self.layout.steps if other in s.options)
            parts = [p for p in parts_of(other.filters) if mentioned(p, own)]
            if not parts:
                continue
            kept = slot_variable(other.slot)
            row = self.names.fresh("r")
            latest = f"{kept}[-1] if {kept} else None" if other.is_many else kept
            self.lines.add(f"{row} = {latest}")
            known = own_parts(self.code, offer.option, self.row)
            known += own_parts(self.code, other, row)
            event_type = constant(self.names.text(other.name), STR)
            current = replace(self.current, row=row, type=event_type, stamp=f"{row}.ts")
            event = step_event(self.stream, self.code, current, known, offer.positions)
            for part in parts:
                needed = set(self.layout.needed(part, step)) - {offer.option.slot}
                found.append((event, part, [other.slot, *sorted(needed)]))
        return found

    def _all_sides(
        self,
        tests: Sequence[tuple[Current, Expr, list[int]]],
        then: Callable[[], None],
    ) -> None:
        if not tests:
            then()
            return
        [(event, part, needed), *more] = tests
        code = self.stream.expressions(event).condition(part)
        self.mark(event, code)
        missing = " or ".join(f"{slot_variable(slot)} is None" for slot in needed)
        with self.lines.block(f"if {missing} or {code.text}:"):
            self._all_sides(more, then)

    def _own(self, offer: Offer) -> list[Part]:
        """Return what the option's own names stand for in its filter."""
        option = offer.option
        if not option.is_many:
            return own_parts(self.code, option, self.row)
        if not offer.is_more:
            return []
        names = own_names(self.code, option)
        may_miss = len(offer.step.options) > 1
        return [Part(n, f"prev{option.slot}", may_miss=may_miss) for n in names]
