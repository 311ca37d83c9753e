"""Joins -> source lines (vpl.md section 11).

Equalities between two sources become keys: each source keeps its events in one buffer
for every key others look it up by. An arriving event looks for the latest partner of
one source after the other, those first that are tied to what was found already. What
else the conditions say tests the combination that was found.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from engine.builtins import BUILTINS
from engine.compiler.clocks import span_ns
from engine.compiler.code import variable
from engine.compiler.constants import constant_value
from engine.compiler.current import Current
from engine.compiler.plan import StreamPlan
from engine.compiler.readers import CompoundReader, Part, RowReader
from engine.compiler.streams import StreamCompiler
from engine.errors import LoadError
from engine.runtime.joins import JoinBuffer
from engine.runtime.keys import as_key
from engine.runtime.stream_clock import NEVER
from engine.runtime.values import Duration
from vpl import Program, nodes, walk

RUNTIME: Final = {"as_key": as_key}
DEFAULT_WINDOW_NS: Final = 60 * 1_000_000_000
_NOT_OF_EVENTS: Final = frozenset(("now",))


@dataclass(frozen=True, slots=True)
class Side:
    """An expression about one source, by its place in the join."""

    source: int
    value: nodes.Expr


@dataclass(frozen=True, slots=True)
class Equality:
    """Two expressions about different sources that must be equal."""

    left: Side
    right: Side

    def of(self, source: int) -> nodes.Expr | None:
        """Return the side about a source."""
        for side in (self.left, self.right):
            if side.source == source:
                return side.value
        return None

    def links(self, source: int, others: Sequence[int]) -> bool:
        """Tell whether it ties a source to one of others."""
        pair = {self.left.source, self.right.source}
        return source in pair and bool((pair - {source}) & set(others))

    def partner(self, source: int) -> Side:
        """Return the side that is not about `source`."""
        return self.right if self.left.source == source else self.left


Index = tuple[int, tuple[int, ...]]
"""A source and the equalities (by number) whose sides are the key it is found by."""


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """What a join compares and keeps.

    `window_ns` is None for a count window, whose size is `count`.
    """

    parts: tuple[nodes.SourcePart, ...]
    equalities: tuple[Equality, ...]
    filters: tuple[nodes.Expr, ...]
    window_ns: int | None
    count: int | None

    def route(self, start: int) -> list[Index]:
        """Return where partners are looked up, in order, for an event of a source."""
        chosen, left = [start], [at for at in range(len(self.parts)) if at != start]
        found: list[Index] = []
        while left:
            tied = [at for at in left if self._ties(at, chosen)]
            source = (tied or left)[0]
            found.append((source, self._ties(source, chosen)))
            chosen.append(source)
            left.remove(source)
        return found

    def _ties(self, source: int, chosen: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            at
            for at, equality in enumerate(self.equalities)
            if equality.links(source, chosen)
        )

    def indexes(self, source: int) -> list[Index]:
        """Return the keys under which others look up events of a source."""
        starts = (at for at in range(len(self.parts)) if at != source)
        used = (index for start in starts for index in self.route(start))
        return list(dict.fromkeys(index for index in used if index[0] == source))

    def keyed_by(self, source: int) -> list[int]:
        """Return the equalities a source takes part in."""
        every = enumerate(self.equalities)
        return [at for at, equality in every if equality.of(source) is not None]


def alias_of(part: nodes.SourcePart) -> str:
    """Return the name of a source inside the stream."""
    return part.alias or part.name


def names_of(parts: Sequence[nodes.SourcePart]) -> dict[str, int]:
    """Return the places of sources by alias, and by name where that is unambiguous."""
    found = {alias_of(part): at for at, part in enumerate(parts)}
    plain = [part.name for part in parts]
    for at, name in enumerate(plain):
        if plain.count(name) == 1:
            found.setdefault(name, at)
    return found


def join_plan(program: Program, stream: StreamPlan) -> JoinPlan:
    """Return what a join stream compares; raises `LoadError` for a bad window."""
    source = stream.decl.source
    parts = source.parts if isinstance(source, nodes.JoinSource) else ()
    on = stream.declared("on")
    conditions = [arg.value for arg in on.args] if on is not None else []
    conditions += [condition for part in parts for condition in part.on]
    reader = _Conditions(program, names_of(parts))
    for condition in conditions:
        reader.take(condition)
    window_ns, count = _window(program, stream)
    return JoinPlan(
        parts, tuple(reader.equalities), tuple(reader.filters), window_ns, count
    )


def _window(program: Program, stream: StreamPlan) -> tuple[int | None, int | None]:
    op = stream.declared("window")
    if op is None or not op.args:
        return DEFAULT_WINDOW_NS, None
    node = op.args[0].value
    value = constant_value(program, node)
    if value.__class__ is Duration:
        return span_ns(program, node, "'.window'"), None
    if value.__class__ is int and value > 0:
        return None, value
    text = "'.window' wants a duration, or a whole number above zero"
    raise LoadError(f"line {node.span.line}: {text}")


class _Conditions:
    """Takes conditions apart: equalities between two sources, and all others."""

    def __init__(self, program: Program, known: dict[str, int]) -> None:
        self.equalities: list[Equality] = []
        self.filters: list[nodes.Expr] = []
        self._known = known
        self._own = {d.name for d in program.body if isinstance(d, nodes.FnDecl)}

    def take(self, condition: nodes.Expr) -> None:
        """Add one condition, whose parts joined by `and` stand for themselves."""
        if isinstance(condition, nodes.Binary) and condition.op == "and":
            self.take(condition.left)
            self.take(condition.right)
            return
        equality = self._equality(condition)
        if equality is None:
            self.filters.append(condition)
        else:
            self.equalities.append(equality)

    def _equality(self, node: nodes.Expr) -> Equality | None:
        if not isinstance(node, nodes.Binary) or node.op != "==":
            return None
        left, right = self._source(node.left), self._source(node.right)
        if left is None or right is None or left == right:
            return None
        return Equality(Side(left, node.left), Side(right, node.right))

    def _source(self, node: nodes.Expr) -> int | None:
        """Return the one source an expression reads, None if it is not that simple."""
        found: set[int] = set()
        called = set()
        for part in walk(node):
            match part:
                case nodes.Lambda():
                    return None
                case nodes.Call(function=nodes.Name(id=name) as function):
                    if name in self._own or name not in BUILTINS:
                        return None
                    if name in _NOT_OF_EVENTS:
                        return None
                    called.add(id(function))
                case nodes.Name(id=name) if id(part) not in called:
                    if name not in self._known:
                        return None
                    found.add(self._known[name])
        return found.pop() if len(found) == 1 else None


def join_source(
    stream: StreamCompiler, current: Current, matched: frozenset[str]
) -> None:
    """Write what an event does that arrives at one or more sources of the join."""
    plan = join_plan(stream.unit.plan.program, stream.stream)
    for at, part in enumerate(plan.parts):
        if part.name in matched:
            _Arrival(stream, plan, at, current).write()


class _Arrival:
    """Writes what happens when an event arrives at one source.

    `rows` are the variables of the chosen events by source.
    """

    def __init__(
        self, stream: StreamCompiler, plan: JoinPlan, source: int, current: Current
    ) -> None:
        self.stream = stream
        self.plan = plan
        self.source = source
        self.current = stream.with_row(current)
        self.rows: dict[int, str] = {source: self.current.row or ""}
        self.keys: dict[tuple[int, int], str] = {}

    def write(self) -> None:
        """Write the filter of the source, its key, and the search for partners."""
        stream, lines = self.stream, self.stream.lines
        current = self._of(self.source)
        test = None
        for condition in self.plan.parts[self.source].where:
            code, current = stream.condition(condition, current)
            test = code.text if test is None else f"{test} and ({code.text})"
        with nullcontext() if test is None else lines.block(f"if {test}:"):
            self._arrived()

    def _arrived(self) -> None:
        """Write the key; an event without one joins nothing."""
        equalities = self.plan.keyed_by(self.source)
        wanted = [self._key(self.source, at) for at in equalities]
        if not wanted:
            self._keyed()
            return
        complete = " and ".join(f"{key} is not None" for key in wanted)
        with self.stream.lines.block(f"if {complete}:"):
            for key in wanted:
                self._normalise(key)
            self._keyed()

    def _of(self, source: int) -> Current:
        """Return a chosen event as one that its own source reads."""
        part, row = self.plan.parts[source], self.rows[source]
        hoisted = self.stream.hoisted.get(row)
        aliases = frozenset({alias_of(part), part.name})
        reader = RowReader(self.stream.names, variable(row), aliases, hoisted)
        return Current(self.current.type, reader, row, f"{row}.ts")

    def _key(self, source: int, equality: int) -> str:
        """Write a variable for one part of a key; returns its name."""
        names = self.stream.names
        value = self.plan.equalities[equality].of(source)
        code = self.stream.expressions(self._of(source)).sent(value) if value else None
        key = names.fresh("k")
        self.stream.lines.add(f"{key} = {code.text if code else None}")
        self.keys[source, equality] = key
        return key

    def _normalise(self, key: str) -> None:
        kind = f"{key}.__class__"
        self.stream.lines.add(
            f"if {kind} is not str and {kind} is not int: {key} = as_key({key})"
        )

    def _keyed(self) -> None:
        """Write that the event is kept, and the search for its partners."""
        stream = self.stream
        horizon = str(NEVER)
        if self.plan.window_ns is not None:
            horizon = stream.names.fresh("h")
            clock = stream.unit.clock(stream.stream)
            stream.lines.add(f"{horizon} = {clock}.now - {self.plan.window_ns}")
        row = self.rows[self.source]
        for index in self.plan.indexes(self.source):
            key = self._whole_key(self.source, index)
            self._keep(self._buffer(index), key, row, horizon)
        self._search(self.plan.route(self.source), horizon)

    def _keep(self, buffer: str, key: str, row: str, horizon: str) -> None:
        """Write that an event is kept unless it is before the horizon."""
        lines, found = self.stream.lines, self.stream.names.fresh("q")
        with lines.block(f"if {row}.ts >= {horizon}:"):
            lines.add(f"{found} = {buffer}.rows.get({key})")
            with lines.block(f"if {found} is None:"):
                lines.add(f"{buffer}.rows[{key}] = {row}")
                test = f"len({buffer}.rows) > {buffer}.look_at"
                lines.add(f"if {test}: {buffer}.sweep({horizon})")
            lines.add(f"else: {buffer}.add({key}, {found}, {row}, {horizon})")

    def _search(self, route: list[Index], horizon: str) -> None:
        """Write the look-ups that are left, one inside the other."""
        if not route:
            self._joined()
            return
        index, rest = route[0], route[1:]
        names, lines = self.stream.names, self.stream.lines
        key = self._probe(index)
        row, found = names.fresh("r"), names.fresh("q")
        buffer = self._buffer(index)
        self.rows[index[0]] = row
        lines.add(f"{found} = {buffer}.rows.get({key})")
        with lines.block(f"if {found} is not None:"):
            lines.add(f"{row} = {found}[-1] if {found}.__class__ is list else {found}")
            if self.plan.window_ns is None:
                self._search(rest, horizon)
                return
            lines.add(
                f"if {row}.ts < {horizon}: {row} = {buffer}.latest({key}, {horizon})"
            )
            with lines.block(f"if {row} is not None:"):
                self._search(rest, horizon)

    def _probe(self, index: Index) -> str:
        """Return the key to look a source up by; writes what is not known of it yet."""
        source, equalities = index
        parts = []
        for at in equalities:
            other = self.plan.equalities[at].partner(source).source
            if (other, at) not in self.keys:
                self._normalise(self._key(other, at))
            parts.append(self.keys[other, at])
        return _tuple(parts)

    def _whole_key(self, source: int, index: Index) -> str:
        return _tuple([self.keys[source, at] for at in index[1]])

    def _buffer(self, index: Index) -> str:
        source, equalities = index
        count, arity = self.plan.count, len(equalities)
        listed = "-".join(map(str, equalities))
        window = self.plan.window_ns
        self.stream.unit.clock(self.stream.stream)
        clock = self.stream.unit.clocks[self.stream.stream.index]
        size = f"{count} events" if window is None else f"events of {window} ns"
        return self.stream.state(
            f"join{source}/{listed}",
            "join",
            f"{size} per key of {alias_of(self.plan.parts[source])}",
            lambda: JoinBuffer(arity, count, clock, window),
        )

    def _joined(self) -> None:
        """Write the conditions that are left, and what the joined event goes through."""
        stream = self.stream
        places = range(len(self.plan.parts))
        parts = tuple(
            Part(alias_of(self.plan.parts[at]), self.rows[at]) for at in places
        )
        stamps = ", ".join(f"{self.rows[at]}.ts" for at in places)
        stamp = f"max({stamps})" if len(parts) > 1 else stamps
        reader = CompoundReader(stream.names, parts, parts, stamp, is_flat=False)
        current = Current(stream.own_type(), reader, None, stamp)
        if not self.plan.filters:
            stream.operation(0, current)
            return
        named = names_of(self.plan.parts)
        others = tuple(
            Part(name, self.rows[at])
            for name, at in named.items()
            if name != alias_of(self.plan.parts[at])
        )
        tested = CompoundReader(
            stream.names, parts + others, parts, stamp, is_flat=False
        )
        self._filtered(Current(current.type, tested, None, stamp), current)

    def _filtered(self, tested: Current, current: Current) -> None:
        stream = self.stream
        whole = self.plan.filters[0]
        for more in self.plan.filters[1:]:
            whole = nodes.Binary("and", whole, more, span=more.span)
        test, tested = stream.condition(whole, tested)
        with stream.lines.block(f"if {test.text}:"):
            stream.operation(0, current)


def _tuple(parts: Sequence[str]) -> str:
    """Return the text of a key; one part stands for itself."""
    if len(parts) == 1:
        return parts[0]
    return f"({', '.join(parts)})"
