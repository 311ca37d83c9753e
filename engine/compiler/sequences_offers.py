"""Offering an event to runs -> source lines (vpl.md 10.2)."""

from engine.compiler.code import FRAME
from engine.compiler.sequences_arrival import Offer
from engine.compiler.sequences_events import (
    loading,
    own_names,
    own_parts,
    slot_variable,
    step_event,
)
from engine.compiler.sequences_sides import SideWriter
from engine.compiler.steps import (
    Option,
    all_of,
    mentioned,
)
from engine.runtime.runs import DEAD
from vpl.nodes import Expr


class OfferWriter(SideWriter):
    """Writes how runs take an event."""

    def offers(self) -> None:
        """Write that runs are offered the event, oldest first."""
        offers = self._all_offers()
        if not offers:
            return
        options = {offer.option.slot: offer.option for offer in offers}
        looked: dict[tuple[int, tuple[Expr, ...]], Option] = {}
        keys: dict[int, str | None] = {}
        for slot, option in options.items():
            lookup = self.layout.lookups[slot]
            known = looked.setdefault((lookup.index, lookup.keys), option)
            keys[slot] = self.key(option) if known is option else keys[known.slot]
        is_one = len(looked) == 1
        if is_one and self._takes_all(offers, keys):
            return
        if is_one:
            self.only_key = keys[offers[0].option.slot]
        found = [self.runs_of(option, keys[option.slot]) for option in looked.values()]
        runs = found[0] if is_one else f"merged({', '.join(found)})"
        with self.lines.block(f"for run in {runs}:"), loading(self.stream):
            if self.is_lagging:
                self.lines.add(f"if {self.row}.ts > run.d: continue")
            for offer in offers:
                key = None if is_one else keys[offer.option.slot]
                self._offer(offer, key, is_one=is_one)

    def _all_offers(self) -> list[Offer]:
        found = []
        for chain in self.layout.sequence.chains:
            offers = []
            for step in chain.steps:
                before = self.layout.before(step)
                for option in step.options:
                    if option.name not in self.matched:
                        continue
                    first = before - {step.number}
                    if first:
                        offers.append(Offer(step, option, first, is_more=False))
                    if step.number in before and option.is_many:
                        again = frozenset({step.number})
                        offers.append(Offer(step, option, again, is_more=True))
            found += sorted(offers, key=lambda offer: offer.order)
        return found

    def _offer(self, offer: Offer, key: str | None, *, is_one: bool) -> None:
        """Write one offer to the run at hand; `is_one` tells of one look-up for all."""
        tests = self._guards(offer, key, is_one=is_one)
        if not tests:
            self._take_if_fits(offer)
            return
        with self.lines.block(f"if {' and '.join(tests)}:"):
            self._take_if_fits(offer)

    def _guards(self, offer: Offer, key: str | None, *, is_one: bool) -> list[str]:
        """Return what must hold besides the filter: position, key and deadline."""
        lookup = self.layout.lookups[offer.option.slot]
        spec = self.layout.indexes[lookup.index]
        column = f"run.p{self.layout.places[offer.step.number].column}"
        tests = []
        is_known = is_one and spec.positions <= offer.positions
        if not is_known:
            listed = sorted(offer.positions)
            if len(listed) == 1:
                tests.append(f"{column} == {listed[0]}")
            else:
                tests.append(f"{column} in ({', '.join(map(str, listed))})")
        if key is not None:
            tests.append(f"run.k{lookup.index} == {key}")
        split = [at for at in offer.positions if self.is_split(at)]
        if split:
            bound = "e" if offer.is_more else "h"
            tests.append(f"{self.now} <= run.{bound}")
        return tests

    def _take_if_fits(self, offer: Offer) -> None:
        option = offer.option
        own = self._own(offer)
        rest = self._rest(option, is_more=offer.is_more)
        later = [part for part in rest if self.layout.needed(part, offer.step)]
        rest = [part for part in rest if part not in later]
        if option.is_many and offer.is_more and own:
            taken = slot_variable(option.slot)
            latest = f"{taken}[-1] if {taken} else None"
            self.lines.add(f"prev{option.slot} = {latest}")
        self.if_fits(
            option,
            offer.positions,
            lambda: self._if_sides_fit(offer, later),
            own=own,
            rest=rest,
        )

    def _rest(self, option: Option, *, is_more: bool) -> list[Expr]:
        """Return the parts of the filter to test.

        What mentions the events taken before does not hold for the first one.
        """
        rest = self.layout.lookups[option.slot].rest
        if not option.is_many or is_more:
            return list(rest)
        own = frozenset(own_names(self.code, option))
        return [part for part in rest if not mentioned(part, own)]

    def _takes_all(self, offers: list[Offer], keys: dict[int, str | None]) -> bool:
        """Write the usual last step: all runs of a key match and end.

        Returns False if it is not that simple.
        """
        [offer, *more] = offers
        key = keys[offer.option.slot]
        lookup = self.layout.lookups[offer.option.slot]
        is_plain = not (*more, *offer.step.ops)
        is_plain = is_plain and not (self.is_lagging or offer.option.is_many)
        is_plain = is_plain and self.forecast is None
        if key is None or not is_plain or self.layout.columns > 1:
            return False
        if self.layout.is_live(offer.step.number) or self.deadlines.moves:
            return False
        spec = self.layout.indexes[lookup.index]
        if not spec.positions <= offer.positions or any(
            self.code.indexes_at(at) != [lookup.index] for at in spec.positions
        ):
            return False
        test = self._own_test(offer)
        if test is None:
            return False
        self._take_all(offer, key, test)
        return True

    def _own_test(self, offer: Offer) -> str | None:
        """Return the text of a filter about the arriving event alone.

        It is empty if there is no filter, and None if the filter reads what a run
        holds, or calls what has to know the event.
        """
        test = all_of(list(self.layout.lookups[offer.option.slot].rest))
        if test is None:
            return ""
        own = own_parts(self.code, offer.option, self.row)
        current = step_event(self.stream, self.code, self.current, own, offer.positions)
        code = self.stream.expressions(current).condition(test)
        taken = {slot_variable(option.slot) for option in self.layout.sequence.options}
        return None if code.uses & {*taken, FRAME} else code.text

    def _take_all(self, offer: Offer, key: str, test: str) -> None:
        """Write that all runs of a key take the event if `test` holds for it."""
        found, index = (
            self.names.fresh("v"),
            self.code.index(self.layout.lookups[offer.option.slot].index),
        )
        self.lines.add(f"{found} = {index}.get({key})")
        there = f"{found} is not None"
        with self.lines.block(f"if {there} and {test}:" if test else f"if {there}:"):
            self.lines.add(f"del {index}[{key}]")
            self.lines.add(f"if {found}.__class__ is not list: {found} = ({found},)")
            self.lines.add(f"{self.table}.top += len({found})")
            self.lines.add(f"{self.table}.matches += len({found})")
            with self.lines.block(f"for run in {found}:"), loading(self.stream):
                self.lines.add(f"run.p0 = {DEAD}")
                self.keep(offer.option, offer.step)
                self.match()
