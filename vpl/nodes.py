"""The syntax tree of VPL (vpl.md section 2).

Nodes are frozen data. `span` takes no part in comparison, so two texts that differ
only in layout give equal trees. Behaviour lives in visitors and in `match`.
"""

from dataclasses import dataclass, field
from typing import Literal as Word

from vpl.source import NOWHERE, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: its place in the text."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Node):
    """A node with a name of its own: `name_span` is the place of the name alone."""

    name_span: Span = field(default=NOWHERE, compare=False, repr=False)


# --- expressions ---------------------------------------------------------------

LiteralKind = Word["null", "bool", "int", "float", "str", "timestamp", "duration"]


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant; timestamps and durations hold integer nanoseconds."""

    kind: LiteralKind
    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    op: Word["-", "~", "not"]
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """A binary operator by its text: arithmetic, bits, comparisons, `in`,
    `not in`, `and`, `or`, `??`."""

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class KindTest(Node):
    """`operand is [not] kind`."""

    operand: "Expr"
    kind: str
    negated: bool


@dataclass(frozen=True, slots=True)
class IfExpr(Node):
    condition: "Expr"
    then: "Expr"
    orelse: "Expr"


@dataclass(frozen=True, slots=True)
class Range(Node):
    start: "Expr"
    stop: "Expr"
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`target.name`, or `target?.name` when `safe`."""

    target: "Expr"
    name: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    target: "Expr"
    index: "Expr"


@dataclass(frozen=True, slots=True)
class Slice(Node):
    target: "Expr"
    start: "Expr | None"
    stop: "Expr | None"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(args)`; `x.f(a)` is `f(x, a)` with `method` set."""

    function: "Expr"
    args: tuple["Expr", ...]
    method: bool = False


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Node):
    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    entries: tuple[tuple[str, "Expr"], ...]


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """`params => body`; a block body ends in an expression or gives null."""

    params: tuple[str, ...]
    statements: tuple["Stmt", ...]
    result: "Expr | None"


Expr = (
    Literal
    | Name
    | Unary
    | Binary
    | KindTest
    | IfExpr
    | Range
    | Member
    | Index
    | Slice
    | Call
    | ArrayLiteral
    | MapLiteral
    | Lambda
)


@dataclass(frozen=True, slots=True)
class Arg(Node):
    """A named argument `name: value`; `name` is None for a positional one."""

    name: str | None
    value: Expr


# --- types ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypeRef(Node):
    """A type: `name` is a primitive, a declared name, `array`, `map`, `tuple` or
    `Stream`; `args` are its parts."""

    name: str
    args: tuple["TypeRef", ...] = ()
    optional: bool = False


# --- statements ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VarDecl(Named):
    """`let`, `var` or `const`, global or local."""

    keyword: Word["let", "var", "const"]
    name: str
    type: TypeRef | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Assign(Named):
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class IfStmt(Node):
    """Branches in order, each (condition, block); `orelse` may be empty."""

    branches: tuple[tuple[Expr, tuple["Stmt", ...]], ...]
    orelse: tuple["Stmt", ...] = ()


@dataclass(frozen=True, slots=True)
class ForStmt(Node):
    """`for variable[, second] in iterable`."""

    variable: str
    second: str | None
    iterable: Expr
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True)
class WhileStmt(Node):
    condition: Expr
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True)
class Return(Node):
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Break(Node): ...


@dataclass(frozen=True, slots=True)
class Continue(Node): ...


@dataclass(frozen=True, slots=True)
class EmitStmt(Named):
    event_type: str
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class ExprStmt(Node):
    value: Expr


Stmt = (
    VarDecl
    | Assign
    | IfStmt
    | ForStmt
    | WhileStmt
    | Return
    | Break
    | Continue
    | EmitStmt
    | ExprStmt
)


# --- declarations --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldDecl(Named):
    name: str
    type: TypeRef


@dataclass(frozen=True, slots=True)
class EventDecl(Named):
    name: str
    base: str | None
    fields: tuple[FieldDecl, ...]


@dataclass(frozen=True, slots=True)
class TypeDecl(Named):
    name: str
    type: TypeRef


@dataclass(frozen=True, slots=True)
class Param(Named):
    """A constant parameter of a connector, context or config block: `value` is made
    of literals, negation, arrays and bare names."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class ConnectorDecl(Named):
    name: str
    kind: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class ContextDecl(Named):
    name: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class ConfigDecl(Node):
    name: str | None
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class ImportDecl(Named):
    path: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class FnParam(Named):
    name: str
    type: TypeRef | None


@dataclass(frozen=True, slots=True)
class FnDecl(Named):
    name: str
    params: tuple[FnParam, ...]
    result: TypeRef | None
    body: tuple[Stmt, ...]


# --- patterns ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PatternEvent(Named):
    """One event of a pattern; `repeat` is "", "+", "*" or "?"."""

    event_type: str
    repeat: Word["", "+", "*", "?"] = ""
    where: Expr | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class PatternNot(Node):
    operand: "PatternExpr"


@dataclass(frozen=True, slots=True)
class PatternAnd(Node):
    operands: tuple["PatternExpr", ...]


@dataclass(frozen=True, slots=True)
class PatternOr(Node):
    operands: tuple["PatternExpr", ...]


@dataclass(frozen=True, slots=True)
class PatternSeq(Node):
    """`SEQ(..)`; items are events, `PatternNot` or `PatternOr` of events."""

    items: tuple["PatternExpr", ...]


PatternExpr = PatternEvent | PatternNot | PatternAnd | PatternOr | PatternSeq


@dataclass(frozen=True, slots=True)
class PatternDecl(Named):
    name: str
    root: PatternExpr
    within: Expr | None
    partition_by: tuple[Expr, ...]


# --- streams -------------------------------------------------------------------


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


Decl = (
    StreamDecl
    | EventDecl
    | TypeDecl
    | PatternDecl
    | FnDecl
    | VarDecl
    | Assign
    | ConnectorDecl
    | ContextDecl
    | ConfigDecl
    | ImportDecl
)


@dataclass(frozen=True, slots=True)
class Program(Node):
    """A parsed program: declarations in the order of the text."""

    body: tuple[Decl, ...]
