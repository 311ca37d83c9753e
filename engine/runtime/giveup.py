"""Where proven code meets a value the proof does not cover."""

from typing import NoReturn

from engine.runtime.values import INT_MAX


class GiveUp(Exception):  # noqa: N818 - control flow of generated code, no error
    """The exact form cannot go on; the general form does the call again."""


def give_up() -> NoReturn:
    """Leave the exact form."""
    raise GiveUp


def exact_divide(a: int, b: int) -> int:
    """Return the quotient of ints toward zero."""
    if b == 0:
        raise GiveUp
    quotient = abs(a) // abs(b)
    if (a < 0) is not (b < 0):
        return -quotient
    if quotient > INT_MAX:
        raise GiveUp
    return quotient


def exact_modulo(a: int, b: int) -> int:
    """Return the remainder of ints, with the sign of the dividend."""
    if b == 0:
        raise GiveUp
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest
