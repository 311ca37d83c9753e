"""Nodes of expressions, and of the statements in functions and lambda blocks.

They stand in one room because they hold each other: a lambda has statements.
"""

from dataclasses import dataclass
from typing import Literal as Word

from vpl.nodes.base import Named, Node
from vpl.nodes.types import TypeRef

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
