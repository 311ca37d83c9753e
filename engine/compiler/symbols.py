"""What names of the program mean to generated code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.compiler.code import Code
from engine.compiler.kinds import BOOL, FLOAT, INT, STR, Kinds, within
from vpl import nodes

_CLASSES: Final = {INT: "int", FLOAT: "float", BOOL: "bool", STR: "str"}


@dataclass(frozen=True, slots=True)
class GlobalSymbol:
    """A global: where its value stands, and its code if it is a literal."""

    name: str
    attribute: str
    is_mutable: bool
    constant: Code | None = None


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """A user function: its generated name and what it calls directly.

    `may_recurse` says that its calls may come to a circle.
    """

    name: str
    generated: str
    decl: nodes.FnDecl
    calls: frozenset[str]
    has_loop: bool
    may_recurse: bool


@dataclass(frozen=True, slots=True)
class ExactForm:
    """The exact form of a function: its name, the kinds it takes and gives."""

    generated: str
    params: tuple[Kinds, ...]
    result: Kinds

    def takes(self, args: Sequence[Code]) -> bool:
        """Tell whether arguments are proven to fit."""
        return len(args) == len(self.params) and all(
            within(arg.kinds, kind) for arg, kind in zip(args, self.params, strict=True)
        )

    def entry_test(self, params: Sequence[str]) -> str:
        """Return the condition under which the general form calls this one."""
        tests = [
            f"{name}.__class__ is {_CLASSES[kind]}"
            for name, kind in zip(params, self.params, strict=True)
        ]
        return " and ".join(tests) or "True"


@dataclass(frozen=True, slots=True)
class Symbols:
    """All globals and functions, and the aliases any stream has.

    `aliases` name the current event of some stream, `bound_aliases` an event of some
    match or join.
    `exact` is filled with the functions that have an exact form.
    """

    globals: dict[str, GlobalSymbol] = field(default_factory=dict)
    functions: dict[str, FunctionSymbol] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    bound_aliases: frozenset[str] = frozenset()
    is_shared: bool = False
    exact: dict[str, ExactForm] = field(default_factory=dict)
