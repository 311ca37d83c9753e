"""The run table of a sequence as generated code sees it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from engine.compiler.forecasts import ForecastCode, forecast_code
from engine.compiler.steps_deadlines import Deadlines
from engine.compiler.steps_layout import PARTITION, IndexSpec, Layout
from engine.compiler.streams import StreamCompiler
from engine.runtime.forecasts import ForecastRuns
from engine.runtime.runs import NOWHERE, OUT, Index, RunList, RunShape, RunTable
from engine.runtime.state import FOREVER

PLACE = "sequence"
_KEPT = frozenset(("last", "path"))
"""Attributes of a run besides its slots that checkpoints hold as values."""


@dataclass(frozen=True, slots=True)
class RunCode:
    """Names in generated code: of the table, of the class of runs, and of attributes.

    `defaults` are the attributes of a run with what they hold at first, in order;
    Ellipsis marks those that whoever makes a run has to give.
    """

    layout: Layout
    deadlines: Deadlines
    table: str
    make: str
    defaults: dict[str, Any]
    forecast: ForecastCode | None = None

    def index(self, number: int) -> str:
        """Return the variable of the buckets of an index."""
        return f"{self.table}_b{number}"

    def whole_index(self, number: int) -> str:
        """Return the variable of an index."""
        return f"{self.table}_i{number}"

    @property
    def final(self) -> str:
        """Return the variable of the positions at which runs wait."""
        return f"{self.table}_f"

    @property
    def queue(self) -> str:
        """Return the variable of the queue of deadlines."""
        return f"{self.table}_q"

    def new(self, given: dict[str, str]) -> str:
        """Return the text that makes a run; `given` are texts by attribute."""
        texts = []
        for name, value in self.defaults.items():
            texts.append(given.get(name) or _text(value))
        while texts and texts[-1] == _text(
            list(self.defaults.values())[len(texts) - 1]
        ):
            if list(self.defaults)[len(texts) - 1] in given:
                break
            texts.pop()
        return f"{self.make}({', '.join(texts)})"

    def indexes_at(self, position: int) -> list[int]:
        """Return the numbers of the indexes a run is in at a position."""
        return [
            number
            for number, spec in enumerate(self.layout.indexes)
            if position in spec.positions
        ]


def _text(value: Any) -> str:
    return "OUT" if value is OUT else repr(value)


def run_code(stream: StreamCompiler) -> RunCode:
    """Return the names of a stream's runs; makes the table at the first call."""
    layout = stream.stream.layout
    assert layout is not None
    deadlines = Deadlines(layout, stream.unit.plan.program)
    stream.unit.clock(stream.stream)
    made = _attributes(layout, deadlines)
    forecast = forecast_code(stream)
    if forecast is not None:
        made["path"] = None
    bound = "runs 10000"
    table = stream.state(
        PLACE, "runs", bound, lambda: _table(stream, layout, deadlines, made, forecast)
    )
    names = stream.names
    code = RunCode(layout, deadlines, table, f"{table}_run", made, forecast)
    state = stream.unit.states[stream.stream.index, f"{stream.prefix}{PLACE}"].state
    assert isinstance(state, RunTable)
    names.known(code.make, state.shape.make)
    names.known(code.queue, state.queue)
    names.known(code.final, state.shape.awaiting)
    for number, index in enumerate(state.shape.indexes):
        names.known(code.index(number), index.buckets)
        names.known(code.whole_index(number), index)
    return code


def _attributes(layout: Layout, deadlines: Deadlines) -> dict[str, Any]:
    """Return the attributes of a run with their first values."""
    found: dict[str, Any] = dict.fromkeys(("n", "d", "f", "t"), ...)
    if layout.sequence.keys:
        found |= {"g": ..., "key": ...}
    found |= {f"p{column}": NOWHERE for column in range(layout.columns)}
    found |= {f"s{option.slot}": None for option in layout.sequence.options}
    found |= {
        f"k{number}": OUT for number, spec in enumerate(layout.indexes) if spec.parts
    }
    if any(layout.is_awaiting(branch) for branch in layout.sequence.branches):
        found["last"] = None
    if deadlines.moves:
        found |= {"w": FOREVER, "e": FOREVER, "h": FOREVER}
    return found


def _table(
    stream: StreamCompiler,
    layout: Layout,
    deadlines: Deadlines,
    attributes: dict[str, Any],
    forecast: ForecastCode | None,
) -> RunTable:
    indexes = tuple(
        _index(stream, spec, number) for number, spec in enumerate(layout.indexes)
    )
    positions = layout.places
    at = {
        position: tuple(
            index
            for index, spec in zip(indexes, layout.indexes, strict=True)
            if position in spec.positions
        )
        for position in positions
    }
    slots = [name for name in attributes if name[0] == "s" or name in _KEPT]
    shape = RunShape(
        _run_class(attributes),
        tuple(attributes),
        tuple(f"p{column}" for column in range(layout.columns)),
        tuple(slots),
        at,
        indexes,
        _awaiting(layout),
        moves=deadlines.moves,
        has_keys=bool(layout.sequence.keys),
    )
    clock = stream.unit.clocks[stream.stream.index]
    if forecast is not None:
        return ForecastRuns(shape, clock, forecast.model)
    return RunTable(shape, clock)


def _run_class(attributes: dict[str, Any]) -> Any:
    fields: list[Any] = [
        (name, Any) if value is ... else (name, Any, value)
        for name, value in attributes.items()
    ]
    return msgspec.defstruct("Run", fields, gc=False, eq=False)


def _index(stream: StreamCompiler, spec: IndexSpec, number: int) -> Index | RunList:
    if not spec.parts:
        return RunList()
    parts: list[tuple[str, str | None]] = []
    for part in spec.parts:
        if part == PARTITION:
            parts.append(("g", None))
        else:
            slot, field = part
            parts.append((f"s{slot}", stream.names.fields.attribute(field)))
    return Index(f"k{number}", parts)


def _awaiting(layout: Layout) -> frozenset[int]:
    """Return the positions at which runs wait for their deadline."""
    found = [
        position
        for position, place in layout.places.items()
        if layout.is_awaiting(place.branch) and place.chain.is_final(position)
    ]
    return frozenset([*found, NOWHERE]) if found else frozenset()
