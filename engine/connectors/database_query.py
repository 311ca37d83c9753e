"""The query of a `database` connector and its one parameter."""

import re

# Texts, quoted names and comments are left alone; what remains may be the parameter.
_PARTS = re.compile(
    r"""
    (?P<kept> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | ::\w+ )
    | (?P<parameter> \$1\b | \?1?(?![\w?|&]) | (?<![:\w]):key\b )
    """,
    re.VERBOSE | re.DOTALL,
)


class QueryError(ValueError):
    """A query without a parameter."""


def with_parameter(query: str, placeholder: str) -> str:
    """Return `query` with its parameter written as `placeholder`.

    The parameter may be written `?`, `$1` or `:key`, and more than once: it is the
    same everywhere. Raises QueryError when there is none.
    """
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        if match["kept"] is not None:
            return match["kept"]
        count += 1
        return placeholder

    text = _PARTS.sub(replaced, query)
    if not count:
        raise QueryError(
            "the query of a database connector has one parameter for the key, "
            "written ?, $1 or :key"
        )
    return text
