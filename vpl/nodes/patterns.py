"""Nodes of named patterns."""

from dataclasses import dataclass
from typing import Literal as Word

from vpl.nodes.base import Named, Node
from vpl.nodes.expressions import Expr


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
