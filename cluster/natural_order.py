"""The order people expect of names with numbers: worker-2 before worker-10."""

import re

_DIGITS = re.compile(r"(\d+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that compares runs of digits as numbers."""
    parts = _DIGITS.split(text)
    key = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in parts
        if part
    )
    return (*key, (2, 0, text))
