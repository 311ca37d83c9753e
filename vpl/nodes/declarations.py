"""Nodes of declarations, and the program they make."""

from dataclasses import dataclass, field

from vpl.nodes.base import Named, Node
from vpl.nodes.expressions import Assign, Expr, Stmt, VarDecl
from vpl.nodes.patterns import PatternDecl
from vpl.nodes.streams import StreamDecl
from vpl.nodes.types import TypeRef
from vpl.source import NOWHERE, Span


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
    """`connector name = kind (params)`; `kind_span` is the place of the kind."""

    name: str
    kind: str
    params: tuple[Param, ...]
    kind_span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


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
