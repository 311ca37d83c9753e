"""What the compiler knows of a builtin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.compiler.kinds import FIELD, Kinds
from engine.runtime.frame import Frame

Implementation = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of the language.

    `call(frame, *args)` gives its value; with `takes_functions` it is
    `call(frame, depth, *args)`. `kinds` are the kinds its value may have.
    """

    call: Implementation
    kinds: Kinds = FIELD
    takes_functions: bool = False


def strict(call: Implementation, kinds: Kinds = FIELD) -> Builtin:
    """Return a builtin that is null as soon as one argument is."""

    def guarded(x: Frame, *args: Any) -> Any:
        for arg in args:
            if arg is None:
                return None
        return call(x, *args)

    guarded.__name__ = guarded.__qualname__ = call.__name__
    return Builtin(guarded, kinds)


def higher(call: Implementation, kinds: Kinds = FIELD) -> Builtin:
    """Return a strict builtin that calls lambdas."""

    def guarded(x: Frame, depth: int, *args: Any) -> Any:
        for arg in args:
            if arg is None:
                return None
        return call(x, depth, *args)

    guarded.__name__ = guarded.__qualname__ = call.__name__
    return Builtin(guarded, kinds, takes_functions=True)
