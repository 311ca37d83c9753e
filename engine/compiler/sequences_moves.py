"""Where a run stands after it took an event -> source lines (vpl.md 10.2 and 10.3)."""

from typing import Any

from engine.compiler.sequences_arrival import Offer
from engine.compiler.sequences_events import slot_variable
from engine.compiler.sequences_matches import MatchWriter
from engine.compiler.steps import Step
from engine.runtime.runs import DEAD


class MoveWriter(MatchWriter):
    """Writes positions, deadlines and the end of runs."""

    def _go_to(self, offer: Offer) -> None:
        """Write where the run stands now: it matches, waits or goes on."""
        step = offer.step
        place = self.layout.places[step.number]
        is_awaiting = self.layout.is_awaiting(place.branch)
        is_final = place.chain.is_final(step.number)
        was_final = all(place.chain.is_final(at) for at in offer.positions)
        if not offer.is_more:
            move = f'{self.table}.move(run, "p{place.column}", {step.number})'
            stays = self.layout.is_live(step.number)
            if stays:
                self.lines.add(move)
            else:
                is_final = True
        if not is_final:
            self._new_deadline(offer, is_waiting=False)
            return
        others = self._others_are_final(place)
        if others:
            with self.lines.block(f"if {others}:"):
                self._done(offer, is_awaiting=is_awaiting, was_final=was_final)
            return
        self._done(offer, is_awaiting=is_awaiting, was_final=was_final)

    def _others_are_final(self, place: Any) -> str:
        tests = []
        for column, chain in enumerate(place.branch.chains):
            if chain is not place.chain:
                final = [str(at) for at in chain.positions if chain.is_final(at)]
                tests.append(f"run.p{column} in ({', '.join(final)},)")
        return " and ".join(tests)

    def _done(self, offer: Offer, *, is_awaiting: bool, was_final: bool) -> None:
        """Write what happens when all required steps are taken."""
        if is_awaiting:
            if offer.is_more or not was_final:
                self._new_deadline(offer, is_waiting=True)
            return
        self.lines.add(f"{self.table}.matches += 1")
        if self.forecast is not None:
            self.forecast.complete(self.row)
        if self.layout.stays(offer.step):
            self._new_deadline(offer, is_waiting=False)
        else:
            self._end(offer)
        self.match()

    def _end(self, offer: Offer) -> None:
        """Write that the run at hand is over."""
        number = self.layout.lookups[offer.option.slot].index
        is_moved = not offer.is_more and self.layout.is_live(offer.step.number)
        is_there = all(self.code.indexes_at(at) == [number] for at in offer.positions)
        key = self.only_key if self.forecast is None else None
        if key is None or is_moved or self.layout.columns > 1 or not is_there:
            self.lines.add(f"{self.table}.end(run)")
            return
        self._end_in(self.code.index(number), key)

    def _end_in(self, index: str, key: str) -> None:
        """Write what `RunTable.end` does for a run in one index, in place."""
        found, lines = self.names.fresh("v"), self.lines
        lines.add(f"{found} = {index}[{key}]")
        lines.add(f"if {found} is run: del {index}[{key}]")
        with lines.block("else:"):
            lines.add(f"{found}.remove(run)")
            lines.add(f"if len({found}) == 1: {index}[{key}] = {found}[0]")
        lines.add(f"run.p0 = {DEAD}", f"{self.table}.top += 1")

    def _new_deadline(self, offer: Offer, *, is_waiting: bool) -> None:
        """Write the deadline of what comes next, where a new stretch begins."""
        step = offer.step
        deadlines = self.deadlines
        if not deadlines.moves:
            return
        bound = deadlines.at(deadlines.place(step))
        following = deadlines.after(step, is_waiting=is_waiting)
        came_from_split = any(self.is_split(at) for at in offer.positions)
        text = "FOREVER" if following is None else f"{self.row}.ts + {following.ns}"
        if deadlines.is_split(step):
            if not offer.is_more:
                own = "run.h" if came_from_split else "run.d"
                self.lines.add(f"run.e = {own}")
            self.lines.add(f"run.h = {text}")
            is_last = is_waiting or following is None  # nothing lasts longer
            value = "run.h" if is_last else "max(run.e, run.h)"
            self.lines.add(f"{self.table}.moved_deadline(run, {value})")
        elif following is not bound:
            self.lines.add(f"{self.table}.moved_deadline(run, {text})")
        elif came_from_split:
            self.lines.add(f"{self.table}.moved_deadline(run, run.h)")

    def _is_waiting(self, step: Step) -> bool:
        """Tell whether a run that took a step may wait for its deadline there."""
        place = self.layout.places[step.number]
        is_final = place.chain.is_final(step.number)
        return is_final and self.layout.is_awaiting(place.branch)

    def _take(self, offer: Offer) -> None:
        """Write that the run at hand takes the event."""
        first = self.layout.sequence.chains[0].steps[0]
        ops = self.layout.sequence.first_ops if offer.step == first else ()
        self.after_first_ops(ops, offer.option, lambda: self._taken(offer))

    def _taken(self, offer: Offer) -> None:
        option, step = offer.option, offer.step
        if offer.is_more:
            with self.lines.block(
                f"if len({slot_variable(option.slot)} or ()) >= {self.table}.most:"
            ):
                self.lines.add(f"{self.table}.overflow(run)", "continue")
        self.keep(option, step, is_more=offer.is_more)
        self.step_ops(step, option)
        self._go_to(offer)
        if self.forecast is not None:
            self.forecast.predict(step, self.row, is_waiting=self._is_waiting(step))
        self.lines.add("continue")
