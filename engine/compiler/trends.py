"""`.trend_aggregate` -> source lines (vpl.md section 20).

The events of each step stand in the variable of its slot. Arguments are evaluated once
per event, conditions between events once per pair; the counting is done by
`engine.runtime.trends`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.compiler.aggregate_calls import without_calls
from engine.compiler.aggregates import EXTREME
from engine.compiler.code import Code, constant, variable
from engine.compiler.current import Current
from engine.compiler.kinds import FLOAT, INT, NULL, STR
from engine.compiler.readers import CompoundReader, Part
from engine.compiler.sequences_events import own_names, slot_variable, step_event
from engine.compiler.sequences_runs import run_code
from engine.compiler.steps import Option, Step, all_of, mentioned
from engine.compiler.streams import Handler, StreamCompiler
from engine.runtime import trends
from vpl import nodes
from vpl.catalog import AGGREGATES

RUNTIME: Final[dict[str, Any]] = {
    "Amounts": trends.Amounts,
    "StepTrends": trends.StepTrends,
    "LinkedTrends": trends.LinkedTrends,
    "MatchTrends": trends.MatchTrends,
    "trend_least": trends.trend_least,
    "trend_greatest": trends.trend_greatest,
    "enumerate": enumerate,
    "range": range,
}
_NAMES: Final = frozenset(name for name, item in AGGREGATES.items() if item.trends)
_EXTREMES: Final = {"min_trends": "trend_least", "max_trends": "trend_greatest"}


def trend_aggregate(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Replace a match by statistics over its trends."""
    _Trends(stream, current).write(at, op)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a function over trends: its name and its argument."""

    function: str
    argument: nodes.Expr | None


def _call_of(node: nodes.Node) -> _Call | None:
    match node:
        case nodes.Call(function=nodes.Name(id=name), args=args) if name in _NAMES:
            return _Call(name, args[0] if args else None)
    return None


class _Trends:
    """Writes one `.trend_aggregate` for one match.

    `_columns` are the arguments by slot of their step, with the variables that hold
    their values. `_results` are the calls by the names that stand for them.
    """

    def __init__(self, stream: StreamCompiler, current: Current) -> None:
        assert isinstance(current.bound, CompoundReader)
        self.stream = stream
        self.current = current
        self.bound: CompoundReader = current.bound
        self.code = run_code(stream)
        self.layout = self.code.layout
        self.steps = {
            option.slot: (step, option)
            for step in self.layout.steps
            for option in step.options
        }
        self.order = list(self.steps)
        self._columns: dict[tuple[int, nodes.Expr], str] = {}
        self._results: dict[str, _Call] = {}
        self._row = ""

    @property
    def lines(self) -> Any:
        """Return the lines written at the moment."""
        return self.stream.lines

    def write(self, at: int, op: nodes.Operation) -> None:
        """Write everything, then the operations that follow."""
        fields = [
            (arg.name or "", without_calls(arg.value, self._placeholder, _call_of))
            for arg in op.args
        ]
        for slot, expr in self._columns:
            self._values(slot, expr)
        made = [self._step(slot) for slot in self.order]
        match = self.stream.names.fresh("m")
        listed = ", ".join(made)
        self.lines.add(f"{match} = MatchTrends(({listed},), {self.stream.frame})")
        self.stream.follow(at, self._event(match, fields))

    def _placeholder(self, call: _Call) -> str:
        """Return the name that stands for a call in the expression around it."""
        name = f"\0{len(self._results)}"
        self._results[name] = call
        if call.argument is not None and call.function != "count_events":
            column = (self._slot(call.argument), call.argument)
            if column not in self._columns:
                self._columns[column] = self.stream.names.fresh("v")
        return name

    def _slot(self, argument: nodes.Expr) -> int:
        """Return the slot of the step whose events an argument is about.

        Other names in it are of single events; the checker sees to that.
        """
        named = mentioned(argument, self.layout.names)
        slots = sorted(self.layout.slots[name] for name in named)
        many = [slot for slot in slots if self.steps[slot][1].is_many]
        return (many or slots)[0]

    # --- arguments ------------------------------------------------------------------

    def _rows(self, slot: int) -> str:
        """Return the text of the events of a step, in order."""
        rows = slot_variable(slot)
        if self.steps[slot][1].is_many:
            return f"({rows} or ())"
        return f"(() if {rows} is None else ({rows},))"

    def _values(self, slot: int, expr: nodes.Expr) -> None:
        """Write the values of an argument for each event of its step."""
        held, row = self._columns[slot, expr], self.stream.names.fresh("r")
        self.lines.add(f"{held} = []")
        with self.lines.block(f"for {row} in {self._rows(slot)}:"):
            event = self._one_event(slot, row)
            value = self.stream.expressions(event).code(expr)
            self._mark(event, value)
            self.lines.add(f"{held}.append({value.text})")

    def _one_event(self, slot: int, row: str) -> Current:
        """Return the match with one event in place of all those of its step."""
        parts = tuple(
            Part(part.alias, row, is_field=part.is_field)
            if self.layout.slots[part.alias] == slot
            else part
            for part in self.bound.parts
        )
        reader = replace(self.bound, parts=parts)
        return replace(self.current, reader=reader, row=None)

    def _mark(self, event: Current, *codes: Code) -> None:
        """Tell the frame the event; every turn of a loop does so for itself."""
        self.stream.forget_frame()
        self.stream.mark_frame(event, *codes)
        self.stream.forget_frame()

    # --- steps ----------------------------------------------------------------------

    def _step(self, slot: int) -> str:
        """Write the trends of a step; return their variable."""
        step, option = self.steps[slot]
        held = self.stream.names.fresh("k")
        amounts = "".join(f"{name}, " for name in self._amounts(slot))
        if not option.is_many:
            size = f"{slot_variable(slot)} is not None"
            self.lines.add(
                f"{held} = StepTrends.single({size} and 1 or 0, ({amounts}))"
            )
        elif not option.links:
            size = f"len({slot_variable(slot)} or ())"
            self.lines.add(f"{held} = StepTrends.free({size}, ({amounts}))")
        else:
            frame = self.stream.frame
            self.lines.add(f"{held} = LinkedTrends(({amounts}), {frame})")
            self._linked(held, step, option)
        return held

    def _amounts(self, slot: int) -> list[str]:
        """Write the numbers of those arguments that are summed up."""
        found = []
        for expr in self._summed(slot):
            name = self.stream.names.fresh("v")
            values = self._columns[slot, expr]
            self.lines.add(f"{name} = Amounts({values}, {self.stream.frame})")
            found.append(name)
        return found

    def _summed(self, slot: int) -> list[nodes.Expr]:
        """Return the arguments at a step that are summed up, in order."""
        wanted = {
            call.argument
            for call in self._results.values()
            if call.function in {"sum_trends", "avg_trends"}
        }
        return [expr for at, expr in self._columns if at == slot and expr in wanted]

    def _linked(self, held: str, step: Step, option: Option) -> None:
        """Write which events may follow which, pair by pair."""
        names, lines = self.stream.names, self.lines
        self.stream.may_stop = True
        at, row, other = names.fresh("i"), names.fresh("r"), names.fresh("i")
        earlier, before = names.fresh("r"), names.fresh("v")
        rows = slot_variable(option.slot)
        with lines.block(f"for {at}, {row} in enumerate({rows} or ()):"):
            lines.add(f"{before} = []")
            with lines.block(f"for {other} in range({at}):"):
                lines.add(f"{earlier} = {rows}[{other}]")
                with self._if_linked(step, option, row, earlier):
                    lines.add(f"{before}.append({other})")
            lines.add(f"{held}.add({before})")

    def _if_linked(
        self, step: Step, option: Option, row: str, earlier: str
    ) -> AbstractContextManager[None]:
        """Return the block for pairs of which the second may follow the first.

        The names of the step are the earlier event, bare names the later one; what was
        not there yet when the step took its events is null.
        """
        own = [Part(name, earlier) for name in own_names(self.code, option)]
        event_type = constant(self.stream.names.text(option.name), STR)
        candidate = replace(self.current, row=row, type=event_type, stamp=f"{row}.ts")
        here = frozenset({step.number})
        event = step_event(self.stream, self.code, candidate, own, here)
        test = all_of(list(option.links))
        assert test is not None
        code = self.stream.expressions(event).condition(test)
        self._mark(event, code)
        block: AbstractContextManager[None] = self.lines.block(f"if {code.text}:")
        return block

    # --- results --------------------------------------------------------------------

    def _event(self, match: str, fields: Sequence[tuple[str, nodes.Expr]]) -> Current:
        """Write the fields of the result; return it as the event that flows on."""
        stream = self.stream
        expressions = stream.expressions(self.current)
        for name, call in self._results.items():
            held = stream.names.fresh("v")
            text, kinds = self._result(match, call)
            self.lines.add(f"{held} = {text}")
            expressions.scope.locals[name] = variable(held, kinds)
        codes = [expressions.sent(value) for _, value in fields]
        current = stream.mark_frame(self.current, *codes)
        extras = {}
        for (alias, _), code in zip(fields, codes, strict=True):
            held = stream.names.fresh("v")
            self.lines.add(f"{held} = {code.text}")
            extras[alias] = variable(held, code.kinds)
        parts = tuple(replace(part, is_field=False) for part in self.bound.parts)
        reader = replace(self.bound, parts=parts, plain=(), extras=extras)
        return replace(
            current, type=stream.own_type(), reader=reader, row=None, output=None
        )

    def _result(self, match: str, call: _Call) -> tuple[str, int]:
        """Return the text of a call's value, and the kinds of that value."""
        if call.function == "count_trends":
            return f"{match}.count()", INT | FLOAT | NULL
        if call.function == "count_events":
            at = "" if call.argument is None else self._at(call.argument)
            return f"{match}.events({at})", INT | FLOAT | NULL
        assert call.argument is not None
        slot = self._slot(call.argument)
        if call.function in _EXTREMES:
            values = self._columns[slot, call.argument]
            function = _EXTREMES[call.function]
            return f"{function}({values}, {self.stream.frame})", EXTREME
        place = self._summed(slot).index(call.argument)
        method = call.function.removesuffix("_trends")
        at = self._at(call.argument)
        return f"{match}.{method}({at}, {place})", FLOAT | NULL

    def _at(self, argument: nodes.Expr) -> str:
        """Return the place of an argument's step among the steps."""
        return str(self.order.index(self._slot(argument)))


HANDLERS: Final[dict[str, Handler]] = {"trend_aggregate": trend_aggregate}
