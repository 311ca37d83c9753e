"""What names of the program mean to generated code."""

from dataclasses import dataclass, field

from engine.compiler.code import Code
from vpl import nodes


@dataclass(frozen=True, slots=True)
class GlobalSymbol:
    """A global: where its value stands, and its code if it is a literal."""

    name: str
    attribute: str
    is_mutable: bool
    constant: Code | None = None


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """A user function: its generated name and what it calls directly."""

    name: str
    generated: str
    decl: nodes.FnDecl
    calls: frozenset[str]
    has_loop: bool
    is_recursive: bool


@dataclass(frozen=True, slots=True)
class Symbols:
    """All globals and functions, and the aliases any stream has."""

    globals: dict[str, GlobalSymbol] = field(default_factory=dict)
    functions: dict[str, FunctionSymbol] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    is_shared: bool = False
