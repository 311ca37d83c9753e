"""Programs whose order of work is known when compiling: one loop over the batch.

Streams stand inline, breadth first: the consumers of an event in declaration order,
then the consumers of what they gave, level by level.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from engine.compiler import clocks
from engine.compiler.code import Code, constant
from engine.compiler.current import Current
from engine.compiler.gates import FirstTest, first_test, gate
from engine.compiler.hoisting import read_once
from engine.compiler.kinds import STR
from engine.compiler.lines import Lines
from engine.compiler.plan import StreamPlan
from engine.compiler.streams import StreamCompiler, Unit

MAX_INLINED: Final = 400  # stream bodies in one program, repetitions counted
CHAIN_TYPES: Final = 4  # up to here types are compared one after another
_COUNTING = re.compile(r"n([biof])(\d+) \+= (.+)")
_COUNTERS: Final = {"i": "events_in", "o": "outputs", "f": "events_out"}


class TooManyBodiesError(Exception):
    """Inlining would repeat stream bodies too often; the queue is used instead."""


@dataclass(slots=True)
class _Step:
    """One stream to write inline, fed by the row in variable `row`."""

    stream: StreamPlan
    row: str
    type: Code
    names: frozenset[str]
    is_guarded: bool


class InlineTarget:
    """Keeps the final event of each stream in a variable of its own.

    Functions of streams with consumers do not occur in static programs. Outside the
    one loop, in functions, there are no counters in local variables.
    """

    params = ("out",)

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.variable = ""
        self.left: list[Current] = []
        self._functions = 0

    def enter(self, lines: Lines) -> None:
        """Write the first line of a function."""
        self._functions += 1
        lines.add("push = out.append")

    def leave(self) -> None:
        """End a function."""
        self._functions -= 1

    def _counter(self, stream: StreamPlan) -> str:
        at = stream.index
        return f"x{at}.outputs" if self._functions else f"no{at}"

    def mark(self, stream: StreamPlan, lines: Lines) -> None:
        """Set the mark to which outputs are cut; what was due stays."""
        lines.add(f"m{stream.index} = len(out)")

    def output(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Append one output."""
        lines.add(f"{self._counter(stream)} += 1", f"push({text})")

    def outputs(self, stream: StreamPlan, text: str, lines: Lines) -> None:
        """Append a list of outputs, which may be columns."""
        count = "count_events" if self.unit.plan.symbols.columned else "len"
        lines.add(f"{self._counter(stream)} += {count}({text})", f"out.extend({text})")

    def final(self, stream: StreamPlan, current: Current, lines: Lines) -> None:
        """Remember the final event for the consumers."""
        if self.has_consumers(stream):
            lines.add(f"nf{stream.index} += 1", f"{self.variable} = {current.row}")
            self.left.append(current)

    def finals(self, stream: StreamPlan, emits: str, stamp: str, lines: Lines) -> None:
        """Write nothing: what makes many events has no consumers here."""

    def has_consumers(self, stream: StreamPlan) -> bool:
        """Tell whether some stream consumes this one or a type it makes."""
        return self.unit.plan.has_consumers(stream)

    @property
    def exceeds(self) -> str:
        """Return the condition that there are too many outputs since the mark `m`."""
        if self.unit.plan.symbols.columned:
            return "count_events(out[m:]) > LIMIT"
        return "len(out) - m > LIMIT"


class StaticProgram:
    """Writes `run`, and `run_nested` and `run_one` apart from it."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.names = unit.names
        self.target = InlineTarget(unit)
        self.count = 0
        self.may_stop = False
        self.may_exceed = any(s.gives_many for s in unit.plan.streams)
        self.hoisted: dict[str, str] = {}
        self._branches: list[Lines] = []

    def write(self) -> Lines:
        """Return the loop over flat rows and what deadlines need."""
        consumed = enumerate(self.unit.plan.consumed)
        self._branches = [self._branch(at, name) for at, name in consumed]
        lines = Lines()
        for stream in self.unit.plan.streams:
            if stream.has_deadlines:
                lines.take(due_function(self.unit, stream, self.target.params))
                lines.take(self._ending(stream))
        lines.take(self._loop("run", "r = e"))
        return lines

    def others(self) -> dict[str, Lines]:
        """Return by name, after `write`, the loop over envelopes and that for one row.

        They do what `run` does, for events that come in another way.
        """
        nested = self._loop("run_nested", "r = e.fields")
        return {"run_nested": nested, "run_one": self._single()}

    def _ending(self, stream: StreamPlan) -> Lines:
        """Return the function that works off what is due without an event."""
        at = stream.index
        lines = Lines()
        with lines.block(f"def end{at}(now, out):"):
            lines.add("BUDGET.restart()", "m = len(out)")
            ports = [p.generated for p in self.unit.ports if p.stream == at]
            marks = {kept: f"m{kept}" for kept in ports}
            lines.add(*(f"{mark} = len({kept})" for kept, mark in marks.items()))
            lines.add(*clocks.run_on(self.unit, stream, "now"))
            with lines.block("try:"):
                lines.add(f"due{at}(now, out)")
            with lines.block("except StreamStopped as stop:"):
                lines.add(f"x{at}.stop(stop)", "del out[m:]")
                lines.add(*(f"del {kept}[{mark}:]" for kept, mark in marks.items()))
            lines.add(f"if {self.target.exceeds}: cut(out, m, x{at})")
        return lines

    def _single(self) -> Lines:
        """Return `run_one`, which counts at once instead of once for many rows."""
        lines = Lines()
        with lines.block("def run_one(t, r, out):"):
            self._begin(lines)
            start = len(lines.texts)
            self._dispatch(lines, self._branches)
            for at in range(start, len(lines.texts)):
                lines.texts[at] = self._counted_at_once(lines.texts[at])
        return lines

    def _begin(self, lines: Lines) -> None:
        """Write what a new event needs."""
        if self.may_stop:
            lines.add("BUDGET.restart()")
        if self.may_stop or self.may_exceed:
            lines.add("m = len(out)")

    def _counted_at_once(self, text: str) -> str:
        """Return a line with the streams' counters in place of local ones."""
        text = text.replace("push(", "out.append(")
        bare = text.lstrip()
        indent = text[: len(text) - len(bare)]
        if bare == "lost += 1":
            return f"{indent}UNROUTED[0] += 1"
        found = _COUNTING.fullmatch(bare)
        if found is None:
            return text
        kind, at, amount = found.groups()
        if kind != "b":
            return f"{indent}x{at}.{_COUNTERS[kind]} += {amount}"
        fed = [s for s in self.unit.plan.streams if int(at) in self._fed_by(s)]
        return indent + ("; ".join(f"x{s.index}.events_in += 1" for s in fed) or "pass")

    def _fed_by(self, stream: StreamPlan) -> list[int]:
        """Return which of the consumed types a stream takes directly."""
        consumed = self.unit.plan.consumed
        return [consumed.index(source.name) for source in stream.inputs]

    def _loop(self, name: str, read: str) -> Lines:
        lines = Lines()
        plan = self.unit.plan
        streams = plan.streams
        counters = [f"nb{at}" for at in range(len(plan.consumed))]
        counters += [f"n{kind}{s.index}" for s in streams for kind in "iof"]
        with lines.block(f"def {name}(events, out):"):
            lines.add("push = out.append", f"{' = '.join([*counters, 'lost'])} = 0")
            with lines.block("try:"), lines.block("for e in events:"):
                lines.add("t = e.t", read)
                self._begin(lines)
                self._dispatch(lines, self._branches)
            with lines.block("finally:"):
                for stream in streams:
                    at = stream.index
                    direct = [f" + nb{place}" for place in self._fed_by(stream)]
                    lines.add(f"x{at}.events_in += ni{at}{''.join(direct)}")
                    lines.add(f"x{at}.outputs += no{at}", f"x{at}.events_out += nf{at}")
                lines.add("UNROUTED[0] += lost")
        return lines

    def _dispatch(self, lines: Lines, branches: list[Lines]) -> None:
        if 0 < len(branches) <= CHAIN_TYPES:  # without streams there is nothing to ask
            word = "if"
            for name, body in zip(self.unit.plan.consumed, branches, strict=True):
                with lines.block(f"{word} t == {self.names.text(name)}:"):
                    _paste(lines, body)
                word = "elif"
            with lines.block("else:"):
                lines.add("lost += 1")
            return
        places = {name: at for at, name in enumerate(self.unit.plan.consumed)}
        table = self.names.bind("K", places)
        lines.add(f"b = {table}.get(t, {len(branches)})")
        self._tree(lines, branches, 0, len(branches) + 1)

    def _tree(self, lines: Lines, branches: list[Lines], low: int, high: int) -> None:
        """Write a binary search over the branches `low` to `high` - 1."""
        if high - low == 1:
            if low == len(branches):
                lines.add("lost += 1")
            else:
                _paste(lines, branches[low])
            return
        middle = (low + high) // 2
        with lines.block(f"if b < {middle}:"):
            self._tree(lines, branches, low, middle)
        with lines.block("else:"):
            self._tree(lines, branches, middle, high)

    def _branch(self, place: int, name: str) -> Lines:
        """Return what happens to an event of type `name`, consumers included."""
        lines = Lines()
        self.hoisted = {}
        type_code = constant(self.names.text(name), STR)
        names = frozenset({name})
        steps = [
            _Step(stream, "r", type_code, names, is_guarded=False)
            for stream in self.unit.plan.consumers(names)
        ]
        later: list[_Step] = []
        tested = [(self._first_test(step), step) for step in steps]
        for _, group in groupby(tested, lambda pair: pair[0] and pair[0].kind):
            together = list(group)
            tests = [test for test, _ in together if test is not None]
            later += self._together(lines, tests, [step for _, step in together])
        for step in later:  # grows while it runs: breadth first
            later.extend(self._step(lines, step))
        steps += later
        for step in steps:
            if step.stream.gives_many:
                at = step.stream.index
                lines.add(f"if {self.target.exceeds}: cut(out, m, x{at})")
                break
        branch = Lines()
        branch.add(f"nb{place} += 1")
        branch.add(*read_once(lines, self.hoisted))
        branch.take(lines)
        return branch

    def _first_test(self, step: _Step) -> FirstTest | None:
        compiler = self._compiler(step, Lines())
        current = compiler.row(step.row, step.type)
        return first_test(compiler, current, self.hoisted)

    def _together(
        self, lines: Lines, tests: list[FirstTest], steps: list[_Step]
    ) -> list[_Step]:
        """Write streams, behind a gate if they begin alike; return who consumes them."""
        if len(tests) < 2:
            return [more for step in steps for more in self._step(lines, step)]
        with lines.block(f"if {gate(tests, self.names)}:"):
            return [more for step in steps for more in self._step(lines, step)]

    def _compiler(self, step: _Step, lines: Lines) -> StreamCompiler:
        compiler = StreamCompiler(self.unit, step.stream, self.target, lines)
        compiler.hoisted["r"] = self.hoisted
        return compiler

    def _step(self, lines: Lines, step: _Step) -> list[_Step]:
        self.count += 1
        if self.count > MAX_INLINED:
            raise TooManyBodiesError
        target = self.target
        target.variable, target.left = self.names.fresh("q"), []
        has_consumers = target.has_consumers(step.stream)
        if has_consumers:
            lines.add(f"{target.variable} = None")
        if step.is_guarded:
            with lines.block(f"if {step.row} is not None:"):
                self._body(lines, step)
        else:
            self._body(lines, step)
        return self._next_steps(step.stream) if has_consumers else []

    def _body(self, lines: Lines, step: _Step) -> None:
        body = Lines(lines.level)
        compiler = self._compiler(step, body)
        compiler.body(compiler.row(step.row, step.type), step.names)
        at = step.stream.index
        lines.vpl_line = step.stream.decl.span.line
        if step.is_guarded:
            lines.add(f"ni{at} += 1")
        if not compiler.may_stop:
            lines.take(body)
            return
        self.may_stop = True
        marks = {"out": f"m{at}"}
        marks |= {p.generated: f"m{p.generated}" for p in compiler.used_ports}
        for kept, mark in marks.items():
            lines.add(f"{mark} = len({kept})")
        with lines.block("try:"):
            _paste(lines, body, body.level)
        with lines.block("except StreamStopped as stop:"):
            lines.add(f"x{at}.stop(stop)")
            lines.add(*(f"del {kept}[{mark}:]" for kept, mark in marks.items()))
            if self.target.has_consumers(step.stream):
                lines.add(f"{self.target.variable} = None")

    def _next_steps(self, stream: StreamPlan) -> list[_Step]:
        """Return the consumers of the final event the last body left."""
        if not self.target.left:
            return []
        current = self.target.left[-1]
        names, type_code = final_names(stream, current, self.unit)
        return [
            _Step(consumer, self.target.variable, type_code, names, is_guarded=True)
            for consumer in self.unit.plan.consumers(names)
        ]


def due_function(unit: Unit, stream: StreamPlan, params: Sequence[str]) -> Lines:
    """Return `due<index>`: runs what states registered and sets the next due time."""
    lines = Lines()
    due = unit.due.get(stream.index, {})
    clock = unit.clock(stream)
    nearest = [f"{state}.due" for state, _ in due.values()]
    least = f"min({', '.join(nearest)})" if len(nearest) > 1 else "".join(nearest)
    listed = ", ".join(["now", *params])
    with lines.block(f"def due{stream.index}({listed}):"):
        for _, texts in due.values():
            lines.add(*texts)
        lines.add(f"{clock}.due = {least or 'FOREVER'}")
    return lines


def final_names(
    stream: StreamPlan, current: Current, unit: Unit
) -> tuple[frozenset[str], Code]:
    """Return the names a final event is delivered under, and its type."""
    own = constant(unit.names.text(stream.name), STR)
    if not current.is_made:
        return frozenset({stream.name}), own
    made = str(unit.names.values[current.type.text])
    return frozenset({stream.name, made}), current.type


def _paste(lines: Lines, body: Lines, level: int = 0) -> None:
    """Append `body`, which was written at indentation `level`."""
    shift = lines.level - level
    lines.take(body, shift)
    if not body.texts:
        lines.add("pass")
