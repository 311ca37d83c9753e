"""Nodes of statements in functions and lambda blocks."""

from dataclasses import dataclass
from typing import Literal as Word

from vpl.nodes.base import Named, Node
from vpl.nodes.expressions import Arg, Expr
from vpl.nodes.types import TypeRef


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
