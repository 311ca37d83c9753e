"""Nodes of streams: sources and operations."""

from dataclasses import dataclass, field

from vpl.nodes.base import Named, Node
from vpl.nodes.expressions import Arg, Expr
from vpl.nodes.types import TypeRef
from vpl.source import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class EventSource(Named):
    """`[all] name [where filter] [as alias]`: an event type, stream or pattern."""

    name: str
    every: bool = False
    where: Expr | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class SourcePart(Named):
    """A part of `merge` or `join`: `[stream alias =] name {.where(e) | .on(e)}`."""

    name: str
    alias: str | None
    where: tuple[Expr, ...] = ()
    on: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeSource(Node):
    parts: tuple[SourcePart, ...]


@dataclass(frozen=True, slots=True)
class JoinSource(Node):
    parts: tuple[SourcePart, ...]


@dataclass(frozen=True, slots=True)
class SequenceStep(Named):
    """`alias: name [where filter] [.within(d)]` in `sequence(..)`."""

    alias: str
    name: str
    where: Expr | None
    within: Expr | None


@dataclass(frozen=True, slots=True)
class SequenceSource(Node):
    steps: tuple[SequenceStep, ...]


@dataclass(frozen=True, slots=True)
class TimerSource(Node):
    interval: Expr
    args: tuple[Arg, ...]


Source = EventSource | MergeSource | JoinSource | SequenceSource | TimerSource


@dataclass(frozen=True, slots=True)
class Follow(Node):
    """`-> [all] name [where filter] [as alias]`."""

    step: EventSource


@dataclass(frozen=True, slots=True)
class SortKey(Node):
    value: Expr
    descending: bool


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """One branch of `fork`."""

    name: str
    ops: tuple["StreamOp", ...]


@dataclass(frozen=True, slots=True)
class Operation(Named):
    """`.name(args)` on a stream.

    Arguments keep their order; a bare name in `select` and `emit` is an `Arg` with
    that name and a `Name` value. `as_type` is the T of `emit as T`; `target` the name
    in `from`, `to`, `enrich`, `context`, `not`, `pattern`; `where` the filter of
    `not`; `target_span` the place of the target, or of the type in `emit as`.
    """

    name: str
    args: tuple[Arg, ...] = ()
    target: str | None = None
    as_type: str | None = None
    where: Expr | None = None
    sort_keys: tuple[SortKey, ...] = ()
    branches: tuple[Branch, ...] = ()
    target_span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


StreamOp = Operation | Follow


@dataclass(frozen=True, slots=True)
class StreamDecl(Named):
    name: str
    type: TypeRef | None
    source: Source
    ops: tuple[StreamOp, ...]
