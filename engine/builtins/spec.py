"""What the compiler knows of a builtin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.compiler.kinds import FIELD, Kinds
from engine.runtime.frame import Frame
from engine.runtime.weight import CHARS_PER_UNIT

Implementation = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of the language.

    `call(frame, *args)` gives its value; with `takes_functions` it is
    `call(frame, depth, *args)`. `kinds` are the kinds its value may have. Of one that
    `is_paid` the work grows with its arguments; it charges the frame for that.
    """

    call: Implementation
    kinds: Kinds = FIELD
    takes_functions: bool = False
    is_paid: bool = False


def strict(call: Implementation, kinds: Kinds = FIELD) -> Builtin:
    """Return a builtin that is null as soon as one argument is."""

    def guarded(x: Frame, *args: Any) -> Any:
        for arg in args:
            if arg is None:
                return None
        return call(x, *args)

    guarded.__name__ = guarded.__qualname__ = call.__name__
    return Builtin(guarded, kinds)


def sized(call: Implementation, kinds: Kinds = FIELD) -> Builtin:
    """Return a strict builtin that goes through all of its texts and containers."""

    def guarded(x: Frame, *args: Any) -> Any:
        for arg in args:
            kind = arg.__class__
            if kind is str:
                x.n -= len(arg) // CHARS_PER_UNIT
            elif kind is list or kind is dict:
                x.n -= len(arg)
            elif arg is None:
                return None
        return call(x, *args)

    guarded.__name__ = guarded.__qualname__ = call.__name__
    return Builtin(guarded, kinds, is_paid=True)


def higher(call: Implementation, kinds: Kinds = FIELD) -> Builtin:
    """Return a strict builtin that calls lambdas."""

    def guarded(x: Frame, depth: int, *args: Any) -> Any:
        for arg in args:
            if arg is None:
                return None
        return call(x, depth, *args)

    guarded.__name__ = guarded.__qualname__ = call.__name__
    return Builtin(guarded, kinds, takes_functions=True, is_paid=True)
