"""How much a value is when it is written out or compared as a whole.

Values share their parts, so a few lines of a program can make one that is beyond all
bounds once every part counts: `a := [a, a]`, fifty times. What walks a whole value asks
here first.
"""

from typing import Any, Final

from engine.runtime.frame import Frame, too_large

WHOLE_FACTOR: Final = 2  # a value may hold that many arrays or texts of the bound
MAX_LEVELS: Final = 100  # arrays and maps inside each other
CHARS_PER_UNIT: Final = 64  # texts are copied and scanned fast, elements are not

Value = Any
_CONTAINERS: Final = frozenset((list, dict))


def is_bounded(value: Value, x: Frame) -> bool:
    """Tell whether `value` may be walked as a whole, else report R004.

    Counts every element as often as a walk meets it, and pays for that many.
    """
    if value.__class__ not in _CONTAINERS:
        return True
    most_items = WHOLE_FACTOR * x.limits.array_items
    most_chars = WHOLE_FACTOR * x.limits.text_chars
    level, items, chars = [value], 0, 0
    for _ in range(MAX_LEVELS):
        below: list[Value] = []
        for container in level:
            items += len(container) + 1
            if items > most_items or chars > most_chars:
                break
            chars += _sort_out(container, below)
        level = below
        if not level or items > most_items or chars > most_chars:
            break
    x.n -= items + chars // CHARS_PER_UNIT
    if level or items > most_items or chars > most_chars:
        too_large(x, "a value with all its parts")
        return False
    return True


def _sort_out(container: Value, below: list[Value]) -> int:
    """Add the containers in `container` to `below`; return the length of its texts."""
    chars = 0
    members = container
    if container.__class__ is dict:
        chars += sum(map(len, container))
        members = container.values()
    kinds = set(map(type, members))
    if not kinds.isdisjoint(_CONTAINERS):
        below += [member for member in members if member.__class__ in _CONTAINERS]
    if str in kinds:
        chars += sum(len(member) for member in members if member.__class__ is str)
    return chars
