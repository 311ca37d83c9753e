"""Regular expressions in time linear in the text.

RE2 has no backtracking, so no pattern of a program can hang a worker. Its syntax is
Python's without back-references and look-around.
"""

from functools import lru_cache
from typing import Any

MAX_PATTERN_CHARS = 1000
MAX_PROGRAM_BYTES = 1024 * 1024
MAX_STEPS = 2**28  # a few seconds at worst, usually a fraction of one


class RegexError(ValueError):
    """The pattern is none, or too large."""


class SearchTooLargeError(ValueError):
    """Searching so long a text for such a pattern may take seconds."""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    # imported here: few programs use it, and all would pay for loading it
    import re2  # type: ignore[import-untyped]  # ships no types

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise RegexError(str(error)) from error


def search(pattern: str, text: str) -> tuple[bool, int]:
    """Tell whether `pattern` matches somewhere in `text`, and what that may cost.

    The cost is in steps: at worst the size of the compiled pattern for each character.
    """
    if len(pattern) > MAX_PATTERN_CHARS:
        raise RegexError("the pattern is too long")
    compiled = _compiled(pattern)
    steps = compiled.programsize * len(text)
    if steps > MAX_STEPS:
        raise SearchTooLargeError("the text is too long for the pattern")
    return compiled.search(text) is not None, steps
