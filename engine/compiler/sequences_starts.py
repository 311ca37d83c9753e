"""Starting runs -> source lines (vpl.md 10.2)."""

from engine.compiler.sequences_arrival import Offer
from engine.compiler.sequences_events import (
    loading,
    own_names,
    own_parts,
)
from engine.compiler.sequences_offers import OfferWriter
from engine.compiler.steps import (
    mentioned,
    parts_of,
)
from engine.compiler.steps_layout import PARTITION
from engine.runtime.runs import TIDY_EVERY
from vpl.nodes import Expr


class StartWriter(OfferWriter):
    """Writes how an event starts a run."""

    def starts(self) -> None:
        for branch in self.layout.sequence.branches:
            offers = []
            for chain in branch.chains:
                for step in chain.awaited(chain.start):
                    offers += [
                        Offer(step, option, frozenset(), is_more=False)
                        for option in step.options
                        if option.name in self.matched
                    ]
            self._start_first(offers)

    def _start_first(self, offers: list[Offer]) -> None:
        """Write that the first option that fits starts a run."""
        if not offers:
            return
        [offer, *more] = offers
        if not more:
            self._start_if_fits(offer, "")
            return
        begun = self.names.fresh("v")
        self.lines.add(f"{begun} = False")
        self._start_if_fits(offer, begun)
        for other in more:
            with self.lines.block(f"if not {begun}:"):
                self._start_if_fits(other, begun)

    def _start_if_fits(self, offer: Offer, begun: str) -> None:
        option = offer.option
        rest = self._start_parts(offer)
        own = own_parts(self.code, option, self.row) if not option.is_many else []

        def then() -> None:
            if begun:
                self.lines.add(f"{begun} = True")
            first = self.layout.sequence.chains[0].steps[0]
            ops = self.layout.sequence.first_ops if offer.step == first else ()
            self.after_first_ops(ops, option, lambda: self.start(offer))

        self.if_fits(option, frozenset(), then, own=own, rest=rest)

    def _start_parts(self, offer: Offer) -> list[Expr]:
        """Return the parts of the filter that a first event has to meet."""
        option = offer.option
        parts = [
            part
            for part in parts_of(option.filters)
            if not self.layout.needed(part, offer.step)
        ]
        if option.is_many:
            own = frozenset(own_names(self.code, option))
            parts = [part for part in parts if not mentioned(part, own)]
        return parts

    def start(self, offer: Offer) -> None:
        """Write that the event starts a run, or makes a match by itself."""
        step, option = offer.step, offer.option
        place = self.layout.places[step.number]
        is_done = place.chain.is_final(step.number) and all(
            chain.is_final(chain.start)
            for chain in place.branch.chains
            if chain is not place.chain
        )
        is_awaiting = self.layout.is_awaiting(place.branch)
        if is_done and not is_awaiting and not self.layout.stays(step):
            self.lines.add(f"run = {self._new_run(offer, is_waiting=False)}")
            self.lines.add(f"{self.table}.matches += 1")
            self.step_ops(step, option)
            with loading(self.stream):
                self.match()
            return
        with self.lines.block(f"if {self.table}.n < {self.table}.top:"):
            is_waiting = is_done and is_awaiting
            self.lines.add(f"{self.table}.n += 1")
            index = self._only_index(offer)
            if index is None:
                run = self._new_run(offer, is_waiting=is_waiting)
                self.lines.add(f"run = {run}", f"{self.table}.start(run)")
            else:
                self._start_in(index, offer, is_waiting=is_waiting)
            self.step_ops(step, option)
            if is_done and not is_awaiting:
                self.lines.add(f"{self.table}.matches += 1")
                if self.forecast is not None:
                    self.forecast.complete(self.row)
                with loading(self.stream):
                    self.match()
            elif self.forecast is not None:
                self.forecast.predict(step, self.row, is_waiting=is_waiting)
        with self.lines.block("else:"):
            self.lines.add(f"{self.table}.refused += 1")

    def _only_index(self, offer: Offer) -> int | None:
        """Return the index of new runs if they are in one only, by their first event."""
        indexes = self.code.indexes_at(offer.step.number)
        if len(indexes) != 1 or self.layout.columns > 1:
            return None
        if self.is_lagging or self.deadlines.moves:
            return None
        parts = self.layout.indexes[indexes[0]].parts
        slot = None if offer.option.is_many else offer.option.slot
        own = all(part == PARTITION or part[0] == slot for part in parts)
        return indexes[0] if parts and own else None

    def _start_in(self, number: int, offer: Offer, *, is_waiting: bool) -> None:
        """Write what `RunTable.start` does, in place."""
        table, lines = self.table, self.lines
        key = self._start_key(number)
        run = self._new_run(offer, is_waiting=is_waiting, keys={f"k{number}": key})
        found = self.names.fresh("v")
        index = self.code.index(number)
        lines.add(f"run = {run}", f"{found} = {index}.setdefault({key}, run)")
        with lines.block(f"if {found} is not run:"):
            lines.add(f"if {found}.__class__ is list: {found}.append(run)")
            lines.add(f"else: {index}[{key}] = [{found}, run]")
        if self.deadlines.after(offer.step, is_waiting=is_waiting) is None:
            return
        rarely = f"{self.row}.ts < {self.now} or not {table}.n % {TIDY_EVERY}"
        lines.add(f"if {rarely}: {table}.queue_up(run)")
        with lines.block("else:"):
            lines.add(f"{self.code.queue}.append(run)")
            lines.add(f"if run.d < {table}.due: {table}.lower(run.d)")

    def _start_key(self, number: int) -> str:
        """Write the key of a new run in an index; return its variable."""
        parts = self.layout.indexes[number].parts
        if parts == (PARTITION,):
            return "g"
        reader = self.stream.row(self.row, self.current.type).reader
        texts = []
        for part in parts:
            if part == PARTITION:
                texts.append("g")
                continue
            variable = self.names.fresh("v")
            self.lines.add(f"{variable} = {reader.field(part[1]).text}")
            self.lines.add(
                f"if {variable}.__class__ is not str: {variable} = as_key({variable})"
            )
            texts.append(variable)
        key = self.names.fresh("v")
        missing = " or ".join(f"{text} is None" for text in texts if text != "g")
        whole = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
        self.lines.add(f"{key} = NO_KEY if {missing} else {whole}")
        return key

    def _new_run(
        self, offer: Offer, *, is_waiting: bool, keys: dict[str, str] | None = None
    ) -> str:
        """Return the text that makes a run that took the event."""
        step, option = offer.step, offer.option
        place = self.layout.places[step.number]
        bound = self.deadlines.after(step, is_waiting=is_waiting)
        stamp = f"{self.row}.ts"
        given = {
            "n": f"{self.table}.n",
            "d": "FOREVER" if bound is None else f"{stamp} + {bound.ns}",
            "f": stamp,
            "t": stamp,
            f"s{option.slot}": f"[{self.row}]" if option.is_many else self.row,
        }
        for column, chain in enumerate(place.branch.chains):
            given[f"p{column}"] = str(chain.start)
        given[f"p{place.column}"] = str(step.number)
        given |= keys or {}
        if self.forecast is not None:
            given["path"] = f"[{option.slot}, {stamp}]"
        if self.layout.sequence.keys:
            given |= {"g": "g", "key": "key"}
        if "last" in self.code.defaults:
            given["last"] = self.row
        if self.deadlines.is_split(step):
            own = self.deadlines.at(self.deadlines.place(step))
            given["h"] = given["d"]
            given["e"] = "FOREVER" if own is None else f"{stamp} + {own.ns}"
            if own and bound and not is_waiting and own.ns > bound.ns:
                given["d"] = given["e"]  # it may take more for longer
        return self.code.new(given)
