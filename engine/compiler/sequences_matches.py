"""Matches and what acts on the way to them -> source lines (vpl.md 10.4 and 10.6)."""

from collections.abc import Callable
from typing import Any

from engine.compiler.current import Current, Place
from engine.compiler.sequences_arrival import Arrival
from engine.compiler.sequences_events import (
    loading,
    match_event,
    own_parts,
    slot_variable,
    step_event,
)
from engine.compiler.sequences_runs import PLACE
from engine.compiler.steps import (
    Option,
    Step,
)


class MatchWriter(Arrival):
    """Writes matches, and operations on events that were taken."""

    def on_due(self) -> None:
        """Have runs match whose deadline passes."""
        length_ms = str(self.deadlines.waiting_ns // 1_000_000)
        call = self.stream.call(self.match_function(), "run", "run.last", length_ms)
        self.stream.on_due(
            PLACE,
            self.table,
            f"if {self.table}.due <= now:",
            f"    for run in {self.table}.take_due(now):",
            f"        {call}",
        )

    def match(self) -> None:
        """Write the match of `run`, whose last event is the one at hand."""
        length_ms = "((run.t - run.f) // 1000000)"
        if self._is_matched_once():
            self._match_ops(self.row, length_ms)
        else:
            name = self.match_function()
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

    def match_function(self) -> str:
        def write() -> None:
            with loading(self.stream):
                self._match_ops("last", "length_ms")

        return self.stream.function("match", ("run", "last", "length_ms"), write)

    def _match_ops(self, last: str, length_ms: str) -> None:
        event = match_event(self.stream, self.code, last, length_ms)
        self.stream.forget_frame()
        self.stream.go_on(self._place, 0, event)
        self.stream.forget_frame()

    def after_first_ops(
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
            self.after_first_ops(ops[1:], option, then)
            self.current, self.row = outer

        self.stream.forget_frame()
        place = Place(ops[:1], f"{self.stream.prefix}first{len(ops)}/", end)
        self.stream.go_on(place, 0, current)
        self.stream.forget_frame()

    def step_ops(self, step: Step, option: Option) -> None:
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

    def keep(self, option: Option, step: Step, *, is_more: bool = False) -> None:
        """Write that the run has the event."""
        kept = slot_variable(option.slot)
        if is_more and len(step.options) > 1:  # another option may have been taken
            self.lines.add(f"if {kept} is None: run.s{option.slot} = {kept} = []")
        if is_more:
            self.lines.add(f"{kept}.append({self.row})")
        else:
            value = f"[{self.row}]" if option.is_many else self.row
            self.lines.add(f"run.s{option.slot} = {kept} = {value}")
        self.lines.add(f"if {self.row}.ts > run.t: run.t = {self.row}.ts")
        if "last" in self.code.defaults:
            self.lines.add(f"run.last = {self.row}")
        if self.forecast is not None:
            self.forecast.take(option.slot, self.row)

    def is_split(self, position: int) -> bool:
        steps = [step for step in self.layout.steps if step.number == position]
        return any(self.deadlines.is_split(step) for step in steps)


def _nothing(current: Current) -> None:
    """End operations after which nothing follows."""
