"""One arriving event of a sequence: keys, look-ups and filters -> source lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.compiler.code import Code
from engine.compiler.current import Current
from engine.compiler.forecasts_runs import ForecastWriter
from engine.compiler.readers import Part
from engine.compiler.sequences_events import (
    own_parts,
    step_event,
)
from engine.compiler.sequences_runs import run_code
from engine.compiler.steps import (
    Option,
    Step,
    all_of,
)
from engine.compiler.steps_layout import PARTITION
from engine.compiler.streams import StreamCompiler
from vpl.nodes import Expr


@dataclass(frozen=True, slots=True)
class Offer:
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


class Arrival:
    """What all parts of one arrival share."""

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
        self.forecast: ForecastWriter | None = None
        if self.code.forecast is not None:
            self.forecast = ForecastWriter(
                stream, self.code, self.code.forecast, stream.place
            )
        self.only_key: str | None = None

    @property
    def lines(self) -> Any:
        """Return the lines written at the moment."""
        return self.stream.lines

    def partition(self) -> None:
        """Write the partition of the event: `g` its key, `key` its value."""
        keys = self.layout.sequence.keys
        if not keys:
            return
        own = [Part(alias, self.row) for alias in sorted(self.layout.names)]
        current = step_event(self.stream, self.code, self.current, own)
        codes = [self.stream.expressions(current).sent(key) for key in keys]
        self.mark(current, *codes)
        if len(codes) == 1:
            self.lines.add(f"key = {codes[0].text}")
            self.lines.add("g = key if key.__class__ is str else as_key(key)")
        else:
            self.lines.add(f"key = [{', '.join(code.text for code in codes)}]")
            self.lines.add("g = as_key(key)")

    def mark(self, current: Current, *codes: Code) -> None:
        """Tell the frame the event; every place here does so for itself."""
        self.stream.forget_frame()
        self.stream.mark_frame(current, *codes)
        self.stream.forget_frame()

    def key(self, option: Option) -> str | None:
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
            self.mark(current, code)
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

    def runs_of(self, option: Option, key: str | None) -> str:
        """Write the look-up of the runs an option concerns; return its variable.

        They are a copy: what is done with a run may change the index.
        """
        number = self.layout.lookups[option.slot].index
        found = self.names.fresh("v")
        if key is None:
            self.lines.add(f"{found} = {self.code.whole_index(number)}.in_order()")
            return found
        several = f"tuple({found}) if {found}.__class__ is list else ({found},)"
        self.lines.add(f"{found} = {self.code.index(number)}.get({key})")
        self.lines.add(f"{found} = () if {found} is None else {several}")
        return found

    def if_fits(
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
        self.mark(current, code)
        with self.lines.block(f"if {code.text}:"):
            then()
