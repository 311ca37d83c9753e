"""`.aggregate` -> what an entry collects, and the lines that do it (vpl.md 9.3).

Counts, sums and extremes are attributes of the entry that generated code updates inline;
each distinct argument is evaluated once per event.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from engine.builtins import BUILTINS
from engine.compiler.aggregate_calls import (
    NAMES,
    AggregateCall,
    aggregate_call,
    without_calls,
)
from engine.compiler.code import Code, variable
from engine.compiler.constants import constant_value
from engine.compiler.current import Current, PartitionKey
from engine.compiler.expressions import Expressions
from engine.compiler.kinds import (
    ARRAY,
    DURATION,
    FIELD,
    FLOAT,
    INT,
    NULL,
    NUMBER,
    STR,
    TIMESTAMP,
    within,
)
from engine.compiler.partitions import key_fields, partition_code
from engine.compiler.readers import CompoundReader
from engine.compiler.streams import StreamCompiler
from engine.runtime import aggregates
from engine.runtime.operators import is_number
from engine.runtime.partitions import Slot
from engine.runtime.stream_clock import NEVER
from vpl import nodes, walk

RUNTIME: Final[dict[str, Any]] = {
    "least": aggregates.least,
    "greatest": aggregates.greatest,
}
EXTREME: Final = NULL | FLOAT | STR | TIMESTAMP | DURATION
_EXTREMES: Final = {"least": "<", "greatest": ">"}
_STAMPLESS: Final = frozenset((
    *("aggregate", "having", "where", "filter", "select", "emit", "limit", "first"),
))
"""Operations that do not read the timestamp of an event unless an expression does."""

Parts = dict[str, str]
"""What is kept of one argument -> the slot that keeps it."""


@dataclass(slots=True)
class AggregateReader(CompoundReader):
    """Reads an aggregate: its fields stand in variables.

    Where rows are made of it that flow on as a batch, they carry the key as a field.
    """

    carries_key: bool = False

    def _own_field(self, name: str) -> list[Code]:
        is_key = self.carries_key and name == "_partition" and self.partition
        if is_key and name not in self.extras:
            return [self.partition] if self.partition else []
        return CompoundReader._own_field(self, name)


@dataclass(slots=True)
class Column:
    """One argument and what is kept of its values."""

    expr: nodes.Expr
    parts: Parts = field(default_factory=dict)


class Aggregation:
    """The aggregates of one operation of a stream.

    `is_running` tells that they never end: then they look at the latest values only.
    """

    def __init__(
        self, stream: StreamCompiler, at: int, op: nodes.Operation, *, is_running: bool
    ) -> None:
        self.stream = stream
        self.is_running = is_running
        self.keeps_stamp = needs_stamp(stream, at)
        self.slots: list[Slot] = [Slot("n")]
        self.initial: dict[str, str] = {"n": "0"}
        if self.keeps_stamp:
            self._slot("ts", str(NEVER))
        self._columns: dict[nodes.Expr, Column] = {}
        self._values: list[Code] = []
        self._results: dict[str, tuple[Callable[[str], str], int]] = {}
        self._fields = [
            (
                arg.name or "",
                without_calls(arg.value, self._placeholder, aggregate_call),
            )
            for arg in op.args
        ]

    # --- what is kept ---------------------------------------------------------------

    def _placeholder(self, call: AggregateCall) -> str:
        """Return the name that stands for a call in the expression around it."""
        name = f"\0{len(self._results)}"
        self._results[name] = self._result(call)
        return name

    def _result(self, call: AggregateCall) -> tuple[Callable[[str], str], int]:
        """Return what gives the text of a call's value, and the kinds of that value."""
        if call.argument is None:
            return "{0}.n".format, INT
        column = self._columns.setdefault(call.argument, Column(call.argument))
        return RESULTS[call.function](self, column, call)

    def keep(self, column: Column, part: str, initial: str) -> str:
        """Return the slot for a part of a column."""
        if part not in column.parts:
            column.parts[part] = self._slot(f"a{len(self.slots)}", initial)
        return column.parts[part]

    def keep_object(self, column: Column, part: str, make: Callable[[], Any]) -> str:
        """Return the slot for a part of a column that is an object."""
        if part not in column.parts:
            maker = self.stream.names.bind("N", make)
            slot = self._slot(f"a{len(self.slots)}", f"{maker}()", make)
            column.parts[part] = slot
        return column.parts[part]

    def _slot(self, name: str, initial: str, make: Any = None) -> str:
        self.slots.append(Slot(name, make))
        self.initial[name] = initial
        return name

    def parameter(self, call: AggregateCall) -> float | None:
        """Return the constant argument of a call, None if it is no number."""
        if call.parameter is None:
            return None
        value = constant_value(self.stream.unit.plan.program, call.parameter)
        return float(value) if is_number(value) else None

    # --- events ---------------------------------------------------------------------

    def prepare(self, current: Current) -> Current:
        """Write the lines that evaluate the arguments; nothing is changed yet."""
        expressions = self.stream.expressions(current)
        codes = [expressions.sent(column.expr) for column in self._columns.values()]
        current = self.stream.mark_frame(current, *codes)
        self._values = [self._held(code) for code in codes]
        return current

    def _held(self, code: Code) -> Code:
        if code.is_atom and code.uses:  # a constant has no class to ask for
            return code
        name = self.stream.names.fresh("v")
        self.stream.lines.add(f"{name} = {code.text}")
        return variable(name, code.kinds)

    def update(self, entry: str, stamp: str) -> None:
        """Write the lines that add the prepared event to an entry."""
        lines = self.stream.lines
        lines.add(f"{entry}.n += 1")
        if self.keeps_stamp:
            self.stream.names.fields.stamped = True
            lines.add(f"if {stamp} > {entry}.ts: {entry}.ts = {stamp}")
        for column, value in zip(self._columns.values(), self._values, strict=True):
            self._update_numbers(entry, column.parts, value)
            self._update_extremes(entry, column.parts, value)
            self._update_values(entry, column.parts, value.text)

    def _update_numbers(self, entry: str, parts: Parts, value: Code) -> None:
        """Write what happens to numbers; null is passed over, other kinds counted."""
        lines, v = self.stream.lines, value.text
        bound = f", {self.stream.frame}" if self.is_running else ""
        taken = [f"{entry}.{parts['sum']} += {v}"] if "sum" in parts else []
        for part, slot in parts.items():
            if part == "numbers":
                taken.append(f"{entry}.{slot}.add({v}{bound})")
            elif part == "moments" or part.startswith("ema"):
                taken.append(f"{entry}.{slot}.add({v})")
        if not taken:
            return
        if within(value.kinds, NUMBER):
            lines.add(*taken)
            return
        with lines.block(f"if {v}.__class__ is float or {v}.__class__ is int:"):
            lines.add(*taken)
        with lines.block("else:"):
            if "missing" in parts:
                lines.add(f"{entry}.{parts['missing']} += 1")
            lines.add(f'if {v} is not None: {self.stream.frame}.count("kind")')

    def _update_extremes(self, entry: str, parts: Parts, value: Code) -> None:
        lines, v = self.stream.lines, value.text
        for part, sign in _EXTREMES.items():
            if part not in parts:
                continue
            kept = f"{entry}.{parts[part]}"
            test = f"{v}.__class__ is float and {kept}.__class__ is float"
            with lines.block(f"if {test}:"):
                lines.add(f"if {v} {sign} {kept}: {kept} = {v}")
            with lines.block(f"elif {v} is not None:"):
                lines.add(f"{kept} = {part}({kept}, {v}, {self.stream.frame})")

    def _update_values(self, entry: str, parts: Parts, v: str) -> None:
        """Write what happens to values of any kind."""
        lines = self.stream.lines
        bound = f", {self.stream.frame}" if self.is_running else ""
        if "nulls" in parts:
            lines.add(f"if {v} is None: {entry}.{parts['nulls']} += 1")
        if "first" in parts:
            lines.add(f"if {entry}.n == 1: {entry}.{parts['first']} = {v}")
        if "last" in parts:
            lines.add(f"{entry}.{parts['last']} = {v}")
        for part in ("distinct", "collected"):
            if part in parts:
                slot = f"{entry}.{parts[part]}"
                lines.add(f"if {v} is not None: {slot}.add({v}{bound})")

    # --- results --------------------------------------------------------------------

    def result(
        self, entry: str, key: PartitionKey, *, carries_key: bool = False
    ) -> Current:
        """Write the lines that make the aggregate of an entry and return the event."""
        stream = self.stream
        stamp = f"{entry}.ts" if self.keeps_stamp else "None"
        partition = partition_code(key, entry)
        before = self._event(self._reader(stamp, partition))
        expressions = stream.expressions(before)
        for name, (text_of, kinds) in self._results.items():
            uses = frozenset({entry})
            expressions.scope.locals[name] = Code(text_of(entry), kinds, 1, uses)
        codes = self._compiled(expressions)
        stream.mark_frame(before, *codes)
        stream.lines.add(*(expressions.scope.before or ()))
        fields = key_fields(key, entry)
        for (alias, _), code in zip(self._fields, codes, strict=True):
            held = stream.names.fresh("v")
            stream.lines.add(f"{held} = {code.text}")
            fields[alias] = variable(held, code.kinds)
        reader = self._reader(stamp, partition)
        reader.extras, reader.carries_key = fields, carries_key
        return self._event(reader)

    def _compiled(self, expressions: Expressions) -> list[Code]:
        """Return the code of the values around the aggregates."""
        values = [value for _, value in self._fields]
        if any(isinstance(part, nodes.Lambda) for part in walk(*values)):
            expressions.scope.before = []  # lambdas stand where the entry is
            self.stream.may_stop = True
        return [expressions.sent(value) for value in values]

    def _reader(self, stamp: str, partition: Code | None) -> AggregateReader:
        stream = self.stream
        aliases = stream.stream.aliases
        return AggregateReader(
            stream.names, (), (), stamp, partition=partition, own=aliases
        )

    def _event(self, reader: AggregateReader) -> Current:
        return Current(self.stream.own_type(), reader, None, reader.stamp)


def needs_stamp(stream: StreamCompiler, at: int) -> bool:
    """Tell whether something after operation `at` may read the event's timestamp."""
    if stream.prefix or stream.target.has_consumers(stream.stream):
        return True
    following = stream.ops[at:]
    if any(op.name not in _STAMPLESS for op in following):
        return True
    own = stream.unit.plan.symbols.functions.keys()
    known = (BUILTINS.keys() | NAMES | {"distinct"}) - own
    for node in walk(*following):
        if isinstance(node, nodes.Name) and node.id == "timestamp":
            return True
        if isinstance(node, nodes.Call) and not (
            isinstance(node.function, nodes.Name) and node.function.id in known
        ):
            return True
    return False


# --- one function per aggregate -------------------------------------------------------

Result = tuple[Callable[[str], str], int]


def _count(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    nulls = this.keep(column, "nulls", "0")
    return lambda entry: f"({entry}.n - {entry}.{nulls})", INT


def _sum(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    slot = this.keep(column, "sum", "0.0")
    return lambda entry: f"{entry}.{slot}", FLOAT


def _avg(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    total = this.keep(column, "sum", "0.0")
    missing = this.keep(column, "missing", "0")
    count = this.stream.names.fresh("c")

    def text(entry: str) -> str:
        taken = f"({count} := {entry}.n - {entry}.{missing})"
        return f"({entry}.{total} / {count} if {taken} else None)"

    return text, FLOAT | NULL


def _extreme(
    part: str, this: Aggregation, column: Column, call: AggregateCall
) -> Result:
    slot = this.keep(column, part, "None")
    return lambda entry: f"{entry}.{slot}", EXTREME


def _moments(
    method: str, this: Aggregation, column: Column, call: AggregateCall
) -> Result:
    slot = this.keep_object(column, "moments", aggregates.Moments)
    return lambda entry: f"{entry}.{slot}.{method}()", FLOAT | NULL


def _percentile(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    kind = aggregates.LatestNumbers if this.is_running else aggregates.Numbers
    slot = this.keep_object(column, "numbers", kind)
    p = 50.0 if call.function == "median" else this.parameter(call)
    if p is None or not 0 <= p <= 100:
        frame = this.stream.frame
        return lambda entry: f'{frame}.count("argument")', NULL
    return lambda entry: f"{entry}.{slot}.percentile({p!r})", FLOAT | NULL


def _edge(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    slot = this.keep(column, call.function, "None")
    return lambda entry: f"{entry}.{slot}", FIELD


def _ema(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    n = this.parameter(call)
    if n is None or n <= 0:
        frame = this.stream.frame
        return lambda entry: f'{frame}.count("argument")', NULL
    slot = this.keep_object(column, f"ema {n!r}", partial(aggregates.Ema, n))
    return lambda entry: f"{entry}.{slot}.value", FLOAT | NULL


def _distinct(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    kind: Any = aggregates.DistinctValues
    if this.is_running:
        kind = aggregates.LatestDistinctValues
    slot = this.keep_object(column, "distinct", kind)
    return lambda entry: f"{entry}.{slot}.count()", INT


def _collect(this: Aggregation, column: Column, call: AggregateCall) -> Result:
    kind = aggregates.LatestCollected if this.is_running else aggregates.Collected
    slot = this.keep_object(column, "collected", kind)
    frame = this.stream.frame
    return lambda entry: f"{entry}.{slot}.values({frame})", ARRAY | NULL


RESULTS: Final[dict[str, Callable[[Aggregation, Column, AggregateCall], Result]]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": partial(_extreme, "least"),
    "max": partial(_extreme, "greatest"),
    "stddev": partial(_moments, "stddev"),
    "variance": partial(_moments, "variance"),
    "median": _percentile,
    "percentile": _percentile,
    "first": _edge,
    "last": _edge,
    "ema": _ema,
    "count_distinct": _distinct,
    "collect": _collect,
}
