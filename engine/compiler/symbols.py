"""What names of the program mean to generated code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.compiler.code import Code
from engine.compiler.kinds import BOOL, FLOAT, INT, STR, Kinds, within
from vpl import nodes
from vpl.source import Span

CLASSES: Final = {INT: "int", FLOAT: "float", BOOL: "bool", STR: "str"}


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
            f"{name}.__class__ is {CLASSES[kind]}"
            for name, kind in zip(params, self.params, strict=True)
        ]
        return " and ".join(tests) or "True"


@dataclass(frozen=True, slots=True)
class NativeForm:
    """The native form of a function: its generated name and the kinds it takes.

    `inputs` are names it reads besides its parameters, with the kinds expected.
    """

    generated: str
    params: tuple[Kinds, ...]
    inputs: tuple[tuple[str, Kinds], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What keeps a function from being native, and where."""

    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Symbols:
    """All globals and functions, and the aliases any stream has.

    `aliases` name the current event of some stream, `bound_aliases` an event of some
    match or join.
    `exact` is filled with the functions that have an exact form, `native` with those that
    have a native one, `refusals` with what keeps the others from it, `columned` with those
    whose native form emits columns.
    """

    globals: dict[str, GlobalSymbol] = field(default_factory=dict)
    functions: dict[str, FunctionSymbol] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    bound_aliases: frozenset[str] = frozenset()
    is_shared: bool = False
    exact: dict[str, ExactForm] = field(default_factory=dict)
    columned: set[str] = field(default_factory=set)
    native: dict[str, NativeForm] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
