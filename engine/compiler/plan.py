"""The logical plan: streams in order, who feeds whom, and where they run."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.compiler.symbols import Symbols
from vpl import nodes
from vpl.nodes import Expr, Program

DEFAULT_CONTEXT = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A name a stream consumes, with the filter of that part if it has one."""

    name: str
    where: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream: its inputs, its operations in order and what they need.

    `gives` are the types of its final events besides its own name.
    """

    index: int
    name: str
    decl: nodes.StreamDecl
    inputs: tuple[Input, ...]
    ops: tuple[nodes.Operation, ...]
    aliases: frozenset[str]
    context: str
    gives: frozenset[str]

    @property
    def has_process(self) -> bool:
        """Tell whether final events are made by a function."""
        return any(op.name == "process" for op in self.ops)

    @property
    def has_emit(self) -> bool:
        """Tell whether outputs are made by `.emit`."""
        return any(op.name == "emit" for op in self.ops)


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
        """Tell whether every stream gives at most one event per event.

        Then the order of work is known when compiling and needs no queue.
        """
        return not self.is_threaded and not any(
            stream.has_process and self.has_consumers(stream) for stream in self.streams
        )
