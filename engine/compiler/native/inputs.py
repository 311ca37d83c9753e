"""What functions read besides their parameters: fields of the event and globals.

Their values are read once, before the kernel, and tested for their kinds. Here is said
which kind to expect.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT, Kinds
from vpl import nodes
from vpl.nodes import Program

KINDS_OF_TYPES: Final = {"int": INT, "float": FLOAT, "bool": BOOL}
_LITERALS: Final = {"int": INT, "float": FLOAT, "bool": BOOL}


class Inputs:
    """The names functions may read from outside, with the kinds to expect.

    A global is expected to keep the kind of the literal it is set to, a field to have
    the type that all declarations of events give it.
    """

    def __init__(self, program: Program) -> None:
        self._fields: dict[str, set[Kinds]] = {}
        self._globals: dict[str, Kinds] = {}
        self._numbers: dict[str, int] = {}
        for decl in program.body:
            match decl:
                case nodes.EventDecl(fields=fields):
                    for field in fields:
                        kind = KINDS_OF_TYPES.get(field.type.name, 0)
                        self._fields.setdefault(field.name, set()).add(kind)
                case nodes.VarDecl(name=name, value=value):
                    self._globals[name] = literal_kind(value)

    def kind(self, name: str) -> Kinds:
        """Return the kind to expect of a name, 0 if nothing tells."""
        kinds = set(self._fields.get(name, ()))
        if name in self._globals:
            kinds.add(self._globals[name])
        return kinds.pop() if len(kinds) == 1 else 0

    def is_global(self, name: str) -> bool:
        """Tell whether the name is that of a global."""
        return name in self._globals

    def number(self, name: str) -> int:
        """Return the number of an input; it gets one when it is first asked for."""
        return self._numbers.setdefault(name, len(self._numbers))

    def names(self, numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Yield the inputs of these numbers in order, with their names."""
        wanted = set(numbers)
        for name, number in self._numbers.items():
            if number in wanted:
                yield number, name


def literal_kind(value: nodes.Expr) -> Kinds:
    """Return the kind of a literal number or bool, 0 of everything else."""
    if isinstance(value, nodes.Unary) and value.op == "-":
        value = value.operand
    if not isinstance(value, nodes.Literal):
        return 0
    return _LITERALS.get(value.kind, 0)
