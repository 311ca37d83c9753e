"""What a sequence does with an arriving event -> source lines (vpl.md 10.2).

In this order: due runs end (the clock of the stream), negations end runs, runs are
offered the event, and the event starts a run. All filters are compiled by the one
expression compiler; an event looks only at the runs its keys name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.compiler.code import Code, constant
from engine.compiler.kinds import STR
from engine.compiler.readers import Part
from engine.compiler.sequences_events import (
    loading,
    match_event,
    own_names,
    own_parts,
    slot_variable,
    step_event,
)
from engine.compiler.sequences_runs import PLACE, run_code
from engine.compiler.steps import (
    Negation,
    Option,
    Step,
    all_of,
    mentioned,
    parts_of,
)
from engine.compiler.steps_layout import PARTITION
from engine.compiler.streams import Current, Place, StreamCompiler
from engine.runtime.keys import as_key
from engine.runtime.runs import DEAD, NO_KEY, OUT, merged
from vpl.nodes import Expr

RUNTIME: Final = {
    "as_key": as_key,
    "OUT": OUT,
    "NO_KEY": NO_KEY,
    "merged": merged,
    "tuple": tuple,
}


@dataclass(frozen=True, slots=True)
class _Offer:
    """An option that may take the event, for runs at some positions.

    `is_more` tells that the run stands on the repeated step already.
    """

    step: Step
    option: Option
    positions: frozenset[int]
    is_more: bool

    @property
    def order(self) -> tuple[bool, int]:
        """Return what sorts offers: steps in order, then what repeats."""
        return self.is_more, self.step.number


def sequence_source(
    stream: StreamCompiler, current: Current, matched: frozenset[str]
) -> None:
    """Write what happens to an event of a type the sequence looks at."""
    _Event(stream, current, matched).write()


class _Event:
    """Writes one arrival."""

    def __init__(
        self, stream: StreamCompiler, current: Current, matched: frozenset[str]
    ) -> None:
        self.stream = stream
        self.names = stream.names
        self.current = current
        self.row = current.row or ""
        self.matched = matched
        self.code = run_code(stream)
        self.layout = self.code.layout
        self.deadlines = self.code.deadlines
        self.table = self.code.table
        self.clock = stream.unit.clock(stream.stream)
        self.is_lagging = stream.stream.declared("watermark") is not None
        self.now = f"{self.clock}.now"
        self._place = stream.place
        self._found: dict[tuple[int, str], str] = {}

    @property
    def lines(self) -> Any:
        """Return the lines written at the moment."""
        return self.stream.lines

    def write(self) -> None:
        """Write everything."""
        stream = self.stream
        if self.layout.sequence.absence or any(
            branch.is_awaiting for branch in self.layout.sequence.branches
        ):
            self._on_due()
        elif self.deadlines.bounds:
            stream.on_due(
                PLACE,
                self.table,
                f"if {self.table}.due <= now: {self.table}.take_due(now)",
            )
        if self.is_lagging:
            self.now = self.names.fresh("v")
            clock = f"{self.clock}.now"
            text = f"{self.row}.ts if {self.row}.ts > {clock} else {clock}"
            self.lines.add(f"{self.now} = {text}")
        self._partition()
        for negation in self.layout.sequence.negations:
            if negation.option.name in self.matched:
                self._negation(negation)
        self._offers()
        self._starts()

    def _on_due(self) -> None:
        """Have runs match whose deadline passes."""
        length_ms = str(self.deadlines.waiting_ns // 1_000_000)
        call = self.stream.call(self._match_function(), "run", "run.last", length_ms)
        self.stream.on_due(
            PLACE,
            self.table,
            f"if {self.table}.due <= now:",
            f"    for run in {self.table}.take_due(now):",
            f"        {call}",
        )

    # --- keys -----------------------------------------------------------------------

    def _partition(self) -> None:
        """Write the partition of the event: `g` its key, `key` its value."""
        keys = self.layout.sequence.keys
        if not keys:
            return
        own = [Part(alias, self.row) for alias in sorted(self.layout.names)]
        current = step_event(self.stream, self.code, self.current, own)
        codes = [self.stream.expressions(current).sent(key) for key in keys]
        self._mark(current, *codes)
        if len(codes) == 1:
            self.lines.add(f"key = {codes[0].text}")
            self.lines.add("g = key if key.__class__ is str else as_key(key)")
        else:
            self.lines.add(f"key = [{', '.join(code.text for code in codes)}]")
            self.lines.add("g = as_key(key)")

    def _mark(self, current: Current, *codes: Code) -> None:
        """Tell the frame the event; every place here does so for itself."""
        self.stream.forget_frame()
        self.stream.mark_frame(current, *codes)
        self.stream.forget_frame()

    def _key(self, option: Option) -> str | None:
        """Write the key under which an option finds runs; return its variable.

        None where all runs at its positions are concerned.
        """
        lookup = self.layout.lookups[option.slot]
        spec = self.layout.indexes[lookup.index]
        if not spec.parts:
            return None
        if spec.parts == (PARTITION,):
            return "g"
        own = own_parts(self.code, replace(option, is_many=False), self.row)
        current = step_event(self.stream, self.code, self.current, own)
        expressions = self.stream.expressions(current)
        parts = ["g"] if PARTITION in spec.parts else []
        for expr in lookup.keys:
            code = expressions.code(expr)
            self._mark(current, code)
            part = self.names.fresh("v")
            self.lines.add(f"{part} = {code.text}")
            parts.append(part)
        return self._whole_key(parts)

    def _whole_key(self, parts: Sequence[str]) -> str:
        """Write the key made of the values in variables."""
        for part in parts:
            if part != "g":
                self.lines.add(
                    f"if {part}.__class__ is not str: {part} = as_key({part})"
                )
        if len(parts) == 1:
            return parts[0]
        key = self.names.fresh("v")
        tested = [part for part in parts if part != "g"]
        missing = " or ".join(f"{part} is None" for part in tested)
        self.lines.add(f"{key} = None if {missing} else ({', '.join(parts)})")
        return key

    def _lookup(self, option: Option) -> tuple[str, str | None]:
        """Return the text of the runs an option concerns, and the variable of the key."""
        index = self.layout.lookups[option.slot].index
        key = self._key(option)
        if key is None:
            return f"{self.code.whole_index(index)}.in_order()", None
        return f"{self.code.index(index)}.get({key}, ())", key

    # --- negations ------------------------------------------------------------------

    def _negation(self, negation: Negation) -> None:
        option = negation.option
        if not self.layout.indexes[self.layout.lookups[option.slot].index].positions:
            return
        found, _ = self._lookup(option)
        with self.lines.block(f"for run in tuple({found}):"), loading(self.stream):
            if self.is_lagging:
                self.lines.add(f"if {self.row}.ts > run.d: continue")
            for column in self._finals(negation):
                self.lines.add(f"if run.{column} not in {self._set(column)}: continue")
            self._if_fits(
                option,
                self.layout.negated(negation),
                lambda: self.lines.add(f"{self.table}.kill(run)"),
            )

    def _finals(self, negation: Negation) -> list[str]:
        """Return the further positions that tell whether a run waits."""
        if negation is not self.layout.sequence.absence:
            return []
        return [f"p{column}" for column in range(1, self.layout.columns)]

    def _set(self, column: str) -> str:
        """Return the variable of the positions at which runs wait."""
        state = self.stream.unit.states[
            self.stream.stream.index, f"{self.stream.prefix}{PLACE}"
        ].state
        return self.names.known(f"{self.table}_final", state.shape.awaiting)  # type: ignore[attr-defined]  # made by run_code

    # --- filters --------------------------------------------------------------------

    def _if_fits(
        self,
        option: Option,
        positions: frozenset[int],
        then: Callable[[], None],
        *,
        own: Sequence[Part] | None = None,
        rest: Sequence[Expr] | None = None,
    ) -> None:
        """Write `then` under the filter of an option, tested on `run`."""
        test = all_of(
            list(self.layout.lookups[option.slot].rest if rest is None else rest)
        )
        if test is None:
            then()
            return
        if own is None:
            own = own_parts(self.code, option, self.row)
        current = step_event(self.stream, self.code, self.current, own, positions)
        code = self.stream.expressions(current).condition(test)
        self._mark(current, code)
        with self.lines.block(f"if {code.text}:"):
            then()

    # --- offers ---------------------------------------------------------------------

    def _all_offers(self) -> list[_Offer]:
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
                        offers.append(_Offer(step, option, first, is_more=False))
                    if step.number in before and option.is_many:
                        again = frozenset({step.number})
                        offers.append(_Offer(step, option, again, is_more=True))
            found += sorted(offers, key=lambda offer: offer.order)
        return found

    def _offers(self) -> None:
        offers = self._all_offers()
        if not offers:
            return
        options = {offer.option.slot: offer.option for offer in offers}
        looked = {slot: self._lookup(option) for slot, option in options.items()}
        keys = {slot: key for slot, (_, key) in looked.items()}
        texts = list(dict.fromkeys(text for text, _ in looked.values()))
        is_one = len(texts) == 1
        if is_one and self._takes_all(offers, keys):
            return
        found = f"tuple({texts[0]})" if is_one else f"merged({', '.join(texts)})"
        with self.lines.block(f"for run in {found}:"), loading(self.stream):
            if self.is_lagging:
                self.lines.add(f"if {self.row}.ts > run.d: continue")
            for offer in offers:
                self._offer(offer, None if is_one else keys[offer.option.slot], offers)

    def _offer(self, offer: _Offer, key: str | None, offers: list[_Offer]) -> None:
        """Write one offer to the run at hand."""
        tests = self._guards(offer, key, offers)
        if not tests:
            self._take_if_fits(offer)
            return
        with self.lines.block(f"if {' and '.join(tests)}:"):
            self._take_if_fits(offer)

    def _guards(
        self, offer: _Offer, key: str | None, offers: list[_Offer]
    ) -> list[str]:
        """Return what must hold besides the filter: position, key and deadline."""
        lookup = self.layout.lookups[offer.option.slot]
        spec = self.layout.indexes[lookup.index]
        column = f"run.p{self.layout.places[offer.step.number].column}"
        tests = []
        is_known = len(offers) == 1 and spec.positions <= offer.positions
        if not is_known:
            listed = sorted(offer.positions)
            if len(listed) == 1:
                tests.append(f"{column} == {listed[0]}")
            else:
                tests.append(f"{column} in ({', '.join(map(str, listed))})")
        if key is not None:
            tests.append(f"run.k{lookup.index} == {key}")
        split = [at for at in offer.positions if self._is_split(at)]
        if split:
            bound = "e" if offer.is_more else "h"
            tests.append(f"{self.now} <= run.{bound}")
        return tests

    def _is_split(self, position: int) -> bool:
        steps = [step for step in self.layout.steps if step.number == position]
        return any(self.deadlines.is_split(step) for step in steps)

    def _take_if_fits(self, offer: _Offer) -> None:
        option = offer.option
        own = self._own(offer)
        rest = self._rest(option, is_more=offer.is_more)
        later = [part for part in rest if self.layout.needed(part, offer.step)]
        rest = [part for part in rest if part not in later]
        if option.is_many and offer.is_more and own:
            self.lines.add(f"prev{option.slot} = {slot_variable(option.slot)}[-1]")
        self._if_fits(
            option,
            offer.positions,
            lambda: self._if_sides_fit(offer, later),
            own=own,
            rest=rest,
        )

    # --- filters across the sides of an AND -------------------------------------------

    def _if_sides_fit(self, offer: _Offer, later: Sequence[Expr]) -> None:
        """Write the tests between sides, of those events that are there already."""
        tests: list[tuple[Current, Expr, list[int]]] = []
        here = step_event(
            self.stream, self.code, self.current, self._own(offer), offer.positions
        )
        for part in later:
            tests.append((here, part, self.layout.needed(part, offer.step)))
        tests += self._tests_of_others(offer)
        self._all_sides(tests, lambda: self._take(offer))

    def _tests_of_others(self, offer: _Offer) -> list[tuple[Current, Expr, list[int]]]:
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
        self._mark(event, code)
        missing = " or ".join(f"{slot_variable(slot)} is None" for slot in needed)
        with self.lines.block(f"if {missing} or {code.text}:"):
            self._all_sides(more, then)

    def _own(self, offer: _Offer) -> list[Part]:
        """Return what the option's own names stand for in its filter."""
        option = offer.option
        if not option.is_many:
            return own_parts(self.code, option, self.row)
        if not offer.is_more:
            return []
        names = own_names(self.code, option)
        return [Part(name, f"prev{option.slot}") for name in names]

    def _rest(self, option: Option, *, is_more: bool) -> list[Expr]:
        """Return the parts of the filter to test.

        What mentions the events taken before does not hold for the first one.
        """
        rest = self.layout.lookups[option.slot].rest
        if not option.is_many or is_more:
            return list(rest)
        own = frozenset(own_names(self.code, option))
        return [part for part in rest if not mentioned(part, own)]

    # --- taking ---------------------------------------------------------------------

    def _takes_all(self, offers: list[_Offer], keys: dict[int, str | None]) -> bool:
        """Write the usual last step: all runs of a key match and end.

        Returns False if it is not that simple.
        """
        [offer, *more] = offers
        key = keys[offer.option.slot]
        lookup = self.layout.lookups[offer.option.slot]
        is_plain = not (
            *more,
            *lookup.rest,
            *offer.step.ops,
        )
        is_plain = is_plain and not (self.is_lagging or offer.option.is_many)
        if key is None or not is_plain or self.layout.columns > 1:
            return False
        if self.layout.is_live(offer.step.number) or self.deadlines.moves:
            return False
        spec = self.layout.indexes[lookup.index]
        if not spec.positions <= offer.positions or any(
            self.code.indexes_at(at) != [lookup.index] for at in spec.positions
        ):
            return False
        found = self.names.fresh("v")
        self.lines.add(f"{found} = {self.code.index(lookup.index)}.pop({key}, None)")
        with self.lines.block(f"if {found} is not None:"):
            self.lines.add(f"{self.table}.room += len({found})")
            self.lines.add(f"{self.table}.matches += len({found})")
            with self.lines.block(f"for run in {found}:"), loading(self.stream):
                self.lines.add(f"run.p0 = {DEAD}")
                self._keep(offer.option, offer.step)
                self._match()
        return True

    def _keep(self, option: Option, step: Step, *, is_more: bool = False) -> None:
        """Write that the run has the event."""
        kept = slot_variable(option.slot)
        if is_more:
            self.lines.add(f"{kept}.append({self.row})")
        else:
            value = f"[{self.row}]" if option.is_many else self.row
            self.lines.add(f"run.s{option.slot} = {kept} = {value}")
        self.lines.add(f"if {self.row}.ts > run.t: run.t = {self.row}.ts")
        if "last" in self.code.defaults:
            self.lines.add(f"run.last = {self.row}")

    def _take(self, offer: _Offer) -> None:
        """Write that the run at hand takes the event."""
        first = self.layout.sequence.chains[0].steps[0]
        ops = self.layout.sequence.first_ops if offer.step == first else ()
        self._after_first_ops(ops, offer.option, lambda: self._taken(offer))

    def _after_first_ops(
        self,
        ops: tuple[Any, ...],
        option: Option,
        then: Callable[[], None],
    ) -> None:
        """Write the operations before the first `->`, then `then` for what they give."""
        if not ops:
            then()
            return
        own = own_parts(self.code, option, self.row)
        current = step_event(self.stream, self.code, self.current, own)
        outer = (self.current, self.row)

        def end(given: Current) -> None:
            given = self.stream.with_row(given)
            self.current, self.row = given, given.row or ""
            then()
            self.current, self.row = outer

        self.stream.forget_frame()
        place = Place(ops, f"{self.stream.prefix}first/", end)
        self.stream.go_on(place, 0, current)
        self.stream.forget_frame()

    def _taken(self, offer: _Offer) -> None:
        option, step = offer.option, offer.step
        if offer.is_more:
            with self.lines.block(
                f"if len({slot_variable(option.slot)}) >= {self.table}.most:"
            ):
                self.lines.add(f"{self.table}.overflow(run)", "continue")
        self._keep(option, step, is_more=offer.is_more)
        self._step_ops(step, option)
        self._go_to(offer)
        self.lines.add("continue")

    def _step_ops(self, step: Step, option: Option) -> None:
        """Write the operations between two steps, for the event just taken."""
        if not step.ops:
            return
        own = own_parts(self.code, option, self.row)
        here = frozenset({step.number})
        current = step_event(self.stream, self.code, self.current, own, here)
        self.stream.forget_frame()
        place = Place(step.ops, f"{self.stream.prefix}step{step.number}/", _nothing)
        self.stream.go_on(place, 0, current)
        self.stream.forget_frame()

    def _go_to(self, offer: _Offer) -> None:
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

    def _done(self, offer: _Offer, *, is_awaiting: bool, was_final: bool) -> None:
        """Write what happens when all required steps are taken."""
        if is_awaiting:
            if offer.is_more or not was_final:
                self._new_deadline(offer, is_waiting=True)
            return
        self.lines.add(f"{self.table}.matches += 1")
        if self.layout.stays(offer.step):
            self._new_deadline(offer, is_waiting=False)
        else:
            self.lines.add(f"{self.table}.end(run)")
        self._match()

    def _new_deadline(self, offer: _Offer, *, is_waiting: bool) -> None:
        """Write the deadline of what comes next, where a new stretch begins."""
        step = offer.step
        deadlines = self.deadlines
        if not deadlines.moves:
            return
        bound = deadlines.at(deadlines.place(step))
        following = deadlines.after(step, is_waiting=is_waiting)
        came_from_split = any(self._is_split(at) for at in offer.positions)
        text = "FOREVER" if following is None else f"{self.row}.ts + {following.ns}"
        if deadlines.is_split(step):
            if not offer.is_more:
                own = "run.h" if came_from_split else "run.d"
                self.lines.add(f"run.e = {own}")
            self.lines.add(f"run.h = {text}")
            value = "run.h" if is_waiting else "max(run.e, run.h)"
            self.lines.add(f"{self.table}.moved_deadline(run, {value})")
        elif following is not bound:
            self.lines.add(f"{self.table}.moved_deadline(run, {text})")
        elif came_from_split:
            self.lines.add(f"{self.table}.moved_deadline(run, run.h)")

    # --- matches --------------------------------------------------------------------

    def _match(self) -> None:
        """Write the match of `run`, whose last event is the one at hand."""
        length_ms = "((run.t - run.f) // 1000000)"
        if self._is_matched_once():
            self._match_ops(self.row, length_ms)
        else:
            name = self._match_function()
            self.lines.add(self.stream.call(name, "run", self.row, length_ms))

    def _is_matched_once(self) -> bool:
        """Tell whether matches arise at one place only."""
        if self.layout.sequence.absence is not None or self.layout.columns > 1:
            return False
        found = 0
        for step in self.layout.steps:
            place = self.layout.places[step.number]
            if place.branch.is_awaiting:
                return False
            if place.chain.is_final(step.number):
                found += len(step.options) * (2 if step.is_many else 1)
        return found == 1 and self.layout.places[step.number].chain.steps[0] != step

    def _match_function(self) -> str:
        def write() -> None:
            with loading(self.stream):
                self._match_ops("last", "length_ms")

        return self.stream.function("match", ("run", "last", "length_ms"), write)

    def _match_ops(self, last: str, length_ms: str) -> None:
        event = match_event(self.stream, self.code, last, length_ms)
        self.stream.forget_frame()
        self.stream.go_on(self._place, 0, event)
        self.stream.forget_frame()

    # --- starts ---------------------------------------------------------------------

    def _starts(self) -> None:
        for branch in self.layout.sequence.branches:
            offers = []
            for chain in branch.chains:
                for step in chain.awaited(chain.start):
                    offers += [
                        _Offer(step, option, frozenset(), is_more=False)
                        for option in step.options
                        if option.name in self.matched
                    ]
            self._start_first(offers)

    def _start_first(self, offers: list[_Offer]) -> None:
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

    def _start_if_fits(self, offer: _Offer, begun: str) -> None:
        option = offer.option
        rest = self._start_parts(offer)
        own = own_parts(self.code, option, self.row) if not option.is_many else []

        def then() -> None:
            if begun:
                self.lines.add(f"{begun} = True")
            first = self.layout.sequence.chains[0].steps[0]
            ops = self.layout.sequence.first_ops if offer.step == first else ()
            self._after_first_ops(ops, option, lambda: self._start(offer))

        self._if_fits(option, frozenset(), then, own=own, rest=rest)

    def _start_parts(self, offer: _Offer) -> list[Expr]:
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

    def _start(self, offer: _Offer) -> None:
        """Write that the event starts a run, or makes a match by itself."""
        step, option = offer.step, offer.option
        place = self.layout.places[step.number]
        is_done = place.chain.is_final(step.number) and len(place.branch.chains) == 1
        is_awaiting = self.layout.is_awaiting(place.branch)
        if is_done and not is_awaiting and not self.layout.stays(step):
            self.lines.add(f"run = {self._new_run(offer, is_waiting=False)}")
            self.lines.add(f"{self.table}.matches += 1")
            self._step_ops(step, option)
            with loading(self.stream):
                self._match()
            return
        with self.lines.block(f"if {self.table}.room > 0:"):
            is_waiting = is_done and is_awaiting
            self.lines.add(f"{self.table}.n += 1")
            run = self._new_run(offer, is_waiting=is_waiting)
            self.lines.add(f"run = {run}", f"{self.table}.start(run)")
            self._step_ops(step, option)
            if is_done and not is_awaiting:
                self.lines.add(f"{self.table}.matches += 1")
                with loading(self.stream):
                    self._match()
        with self.lines.block("else:"):
            self.lines.add(f"{self.table}.refused += 1")

    def _new_run(self, offer: _Offer, *, is_waiting: bool) -> str:
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
        if self.layout.sequence.keys:
            given |= {"g": "g", "key": "key"}
        if "last" in self.code.defaults:
            given["last"] = self.row
        if self.deadlines.is_split(step):
            own = self.deadlines.at(self.deadlines.place(step))
            given["h"] = given["d"]
            given["e"] = "FOREVER" if own is None else f"{stamp} + {own.ns}"
        return self.code.new(given)


def _nothing(current: Current) -> None:
    """End operations after which nothing follows."""
