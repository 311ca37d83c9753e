"""Read query parameters: a bad value is 400, not a guess."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from rest_framework.request import Request

from cluster.exceptions import BadRequestError

MAX_LIMIT = 1000
MAX_DIGITS = 19  # more than any bound here has; int() itself refuses thousands
TRUE, FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})


def read_text(request: Request, name: str, known: Collection[str] = ()) -> str:
    """Return a text, empty if missing; only one of `known` if some are given."""
    value = request.query_params.get(name, "")
    if value and known and value not in known:
        raise _bad(name, f"'{value}' is not one of {', '.join(known)}")
    return value


def read_words(request: Request, name: str, known: Collection[str]) -> frozenset[str]:
    """Return the comma-separated words of a parameter, all of them from `known`."""
    words = frozenset(request.query_params.get(name, "").split(",")) - {""}
    for word in sorted(words - frozenset(known)):
        raise _bad(name, f"'{word[:40]}' is not one of {', '.join(known)}")
    return words


def read_flag(request: Request, name: str) -> bool:
    """Return a truth value, False if missing; a bare `?name` is true."""
    if name not in request.query_params:
        return False
    value = request.query_params[name].lower()
    if value == "":
        return True
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise _bad(name, f"'{value}' is neither true nor false")


def read_number(
    request: Request, name: str, default: int, least: int, most: int
) -> int:
    """Return an integer within bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    is_number = text.isdecimal() and len(text) <= MAX_DIGITS
    if not is_number or not least <= int(text) <= most:
        raise _bad(name, f"'{text[:40]}' is no integer from {least} to {most}")
    return int(text)


def read_moment(request: Request, name: str) -> datetime | None:
    """Return a time with its zone (RFC 3339), None if missing."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        # a plus sign that was not escaped arrives as a space
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _bad(name, f"'{text[:40]}' is no time such as 2027-03-01T00:00:00Z")
    return moment


def paginate(
    request: Request, items: Sequence[Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return one page and the members `total` and `pagination` of its answer."""
    limit = read_number(request, "limit", MAX_LIMIT, 1, MAX_LIMIT)
    offset = read_number(request, "offset", 0, 0, 2**31)
    page = items[offset : offset + limit]
    total = len(items)
    pagination = {
        "total": total,
        "limit": limit,
        "offset": offset,
        "has_more": offset + len(page) < total,
    }
    return page, {"total": total, "pagination": pagination}


def _bad(name: str, why: str) -> BadRequestError:
    return BadRequestError(
        f"query parameter {name}: {why}", [{"path": name, "message": why}]
    )
