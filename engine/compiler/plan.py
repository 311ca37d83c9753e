"""The logical plan: streams in order, who feeds whom, and where they run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.compiler.steps_layout import Layout
from engine.compiler.symbols import Symbols
from vpl import nodes
from vpl.nodes import Expr, Program

DEFAULT_CONTEXT = ""
MANY_KINDS: Final = frozenset(("sequence", "join", "timer"))
MANY_OPS: Final = frozenset(("process", "window", "fork"))
CLOCKED_OPS: Final = frozenset((
    "window",
    "distinct",
    "watermark",
    "allowed_lateness",
    "within",
))
DECLARATIONS: Final = frozenset((
    *("context", "from", "watermark", "allowed_lateness"),
    *("on", "on_error", "within", "not", "concurrent"),
))
"""Operations whose place does not matter (vpl.md 8.3, marked there)."""


@dataclass(frozen=True, slots=True)
class Input:
    """A name a stream consumes, with the filter of that part if it has one."""

    name: str
    where: tuple[Expr, ...] = ()


def operations(ops: Iterable[nodes.StreamOp]) -> Iterator[nodes.Operation]:
    """Yield operations in order, those in the branches of forks included."""
    for op in ops:
        if isinstance(op, nodes.Operation):
            yield op
            for branch in op.branches:
                yield from operations(branch.ops)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream: its inputs, its operations in order and what they need.

    `kind` is the form of its source: `event`, `merge`, `join`, `timer` or `sequence`
    (patterns included). `ops` are the operations after the source without declarations.
    `aliases` name the current event, `bound_aliases` the parts of a match or join.
    `gives` are the types of its final events besides its own name, `layout` is what a
    sequence looks for.
    """

    index: int
    name: str
    decl: nodes.StreamDecl
    kind: str
    inputs: tuple[Input, ...]
    ops: tuple[nodes.Operation, ...]
    aliases: frozenset[str]
    bound_aliases: frozenset[str]
    context: str
    gives: frozenset[str]
    layout: Layout | None = None

    @property
    def has_process(self) -> bool:
        """Tell whether final events are made by a function."""
        return any(op.name == "process" for op in operations(self.ops))

    @property
    def has_emit(self) -> bool:
        """Tell whether outputs are made by `.emit`."""
        return any(op.name == "emit" for op in operations(self.ops))

    @property
    def gives_many(self) -> bool:
        """Tell whether it may give several final events at once, or at other times."""
        return self.kind in MANY_KINDS or any(op.name in MANY_OPS for op in self.ops)

    @property
    def is_clocked(self) -> bool:
        """Tell whether it has a clock (vpl.md 12.2)."""
        if self.kind in {"join", "sequence"}:
            return True
        return any(op.name in CLOCKED_OPS for op in operations(self.decl.ops))

    @property
    def has_deadlines(self) -> bool:
        """Tell whether something may be due without an event that causes it."""
        windows = any(op.name == "window" for op in operations(self.ops))
        return windows or self.kind == "sequence"

    @property
    def on_error(self) -> str:
        """Return what happens to an event whose evaluation was counted."""
        op = self.declared("on_error")
        value = op.args[0].value if op is not None and op.args else None
        found = value.value if isinstance(value, nodes.Literal) else None
        return found if isinstance(found, str) else "null"

    def declared(self, name: str) -> nodes.Operation | None:
        """Return the last operation of a name, declarations included."""
        found = [
            op
            for op in self.decl.ops
            if isinstance(op, nodes.Operation) and op.name == name
        ]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked program as the code generator takes it.

    `takers` are the streams that consume each name, both in order of declaration.
    """

    program: Program
    symbols: Symbols
    streams: tuple[StreamPlan, ...]
    contexts: tuple[str, ...]
    connectors: tuple[nodes.ConnectorDecl, ...]
    takers: Mapping[str, tuple[StreamPlan, ...]]

    def consumers(self, names: frozenset[str]) -> tuple[StreamPlan, ...]:
        """Return the streams that take an event delivered under `names`, in order."""
        if len(names) == 1:
            return self.takers.get(next(iter(names)), ())
        found = {s.index: s for name in names for s in self.takers.get(name, ())}
        return tuple(found[index] for index in sorted(found))

    def has_consumers(self, stream: StreamPlan) -> bool:
        """Tell whether some stream consumes this one or a type it makes."""
        return any(name in self.takers for name in (*stream.gives, stream.name))

    @property
    def consumed(self) -> tuple[str, ...]:
        """Return the names streams consume, in order of declaration."""
        return tuple(self.takers)

    @property
    def is_threaded(self) -> bool:
        """Tell whether streams run in threads of their own."""
        return any(stream.context != DEFAULT_CONTEXT for stream in self.streams)

    @property
    def is_static(self) -> bool:
        """Tell whether streams with consumers give at most one event per event.

        Then the order of work is known when compiling and needs no queue.
        """
        return not self.is_threaded and not any(
            stream.kind == "timer" or (stream.gives_many and self.has_consumers(stream))
            for stream in self.streams
        )
