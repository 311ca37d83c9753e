"""Timestamps of whole batches at once (vpl.md 12.1).

The texts of a batch mostly have one form: then their digits are columns of one array,
and a few sums over columns take the place of a call per event. Whatever is not of that
form is left to `envelope_ns`, event by event, which says what a timestamp means.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.runtime.times import (
    NS_PER_MS,
    EnvelopeForm,
    envelope_form,
    envelope_ns,
    parse_instant,
)
from engine.runtime.values import INT_MAX, NS_PER_S

if TYPE_CHECKING:
    from numpy import ndarray

FEWEST: Final = 16  # below that, arrays cost more than they save
_MAX_MS: Final = INT_MAX // NS_PER_MS
_FIRST_YEAR, _LAST_YEAR = 1678, 2261  # these fit 64 bits from beginning to end
_DAY_NS: Final = 86_400 * NS_PER_S
_DATE: Final = 10  # characters
_SECONDS_END: Final = 19
_PLACES: Final = (11, 12, 14, 15, 17, 18)  # of the digits of hours, minutes, seconds
_UNITS_S: Final = (36_000, 3_600, 600, 60, 10, 1)


def envelope_stamps(values: Sequence[Any]) -> list[int | None]:
    """Return `envelope_ns` of each value, in order."""
    found: list[int | None] | None = None
    if len(values) >= FEWEST:
        kind = values[0].__class__
        if kind is str:
            found = _texts(values)
        elif kind is int:
            found = _ints(values)
        elif kind is type(None) and values.count(None) == len(values):
            found = list(values)
    return [envelope_ns(value) for value in values] if found is None else found


def _ints(values: Sequence[Any]) -> list[int | None] | None:
    """Return the instants of epoch ms, None if something else is among them."""
    if set(map(type, values)) != {int}:
        return None
    if min(values) < -_MAX_MS or max(values) > _MAX_MS:
        return None
    return [value * NS_PER_MS for value in values]


def _texts(texts: Sequence[Any]) -> list[int | None] | None:
    """Return the instants of texts of one form, None if they have more than one."""
    form = envelope_form(texts[0])
    if form is None:
        return None
    import numpy as np  # here: programs without timestamps start without it

    try:
        joined = "\n".join([*texts, ""]).encode("ascii")
    except (TypeError, UnicodeEncodeError):
        return None
    width = len(texts[0]) + 1
    if len(joined) != width * len(texts):
        return None
    table = np.frombuffer(joined, np.uint8).reshape(len(texts), width)
    columns = np.ascontiguousarray(table.T)
    low, high = columns.min(axis=1).tolist(), columns.max(axis=1).tolist()
    if not _is_of_form(f"{texts[0]}\n", form, low, high):
        return None
    if not _is_time(columns, high):
        return None
    if low[:_DATE] == high[:_DATE]:
        midnights: Any = _midnight(texts[0][:_DATE])
    else:
        midnights = _midnights(columns)
    if midnights is None:
        return None
    time_ns = _time_ns(columns, low, high, form.fraction)
    total = time_ns + (midnights - form.offset_ns)
    found: list[int | None] = total.tolist()
    return found


def _is_of_form(
    first: str, form: EnvelopeForm, low: list[int], high: list[int]
) -> bool:
    """Tell whether all texts have digits where the first one has them.

    Everything else has to be the same in all of them: separators, the offset from UTC
    and the line feed at the end, by which each text is as long as the first one.
    """
    digits_end = _SECONDS_END + 1 + form.fraction if form.fraction else _SECONDS_END
    for at, character in enumerate(first):
        if at < digits_end and character.isdigit():
            if low[at] < ord("0") or high[at] > ord("9"):
                return False
        elif low[at] != high[at]:
            return False
    return True


def _is_time(columns: "ndarray[Any, Any]", high: list[int]) -> bool:
    """Tell whether hours, minutes and seconds are within their bounds."""
    if high[14] > ord("5") or high[17] > ord("5") or high[11] > ord("2"):
        return False
    if high[11] < ord("2") or high[12] < ord("4"):
        return True
    late = columns[11] == ord("2")
    return not bool((columns[12][late] > ord("3")).any())


def _time_ns(
    columns: "ndarray[Any, Any]", low: list[int], high: list[int], fraction: int
) -> "ndarray[Any, Any]":
    """Return the time since midnight in ns.

    Most columns hold the same digit in all texts of a batch: only the others are
    summed. Floats are exact here: all sums are whole numbers below 2 ** 53.
    """
    import numpy as np  # see above

    weights = dict(zip(_PLACES, (unit * NS_PER_S for unit in _UNITS_S), strict=True))
    for at in range(min(fraction, 9)):
        weights[_SECONDS_END + 1 + at] = 10 ** (8 - at)
    least = sum(weight * (low[at] - ord("0")) for at, weight in weights.items())
    moving = [at for at in weights if low[at] != high[at]]
    scale = np.array([weights[at] for at in moving], np.float64)
    above = columns[moving] - np.array([low[at] for at in moving], np.uint8)[:, None]
    found: ndarray[Any, Any] = (scale @ above.astype(np.float64)).astype(np.int64)
    return found + least


def _midnight(date: str) -> int | None:
    """Return the beginning of a day in ns, None if it does not exist."""
    is_near = _FIRST_YEAR <= int(date[:4]) <= _LAST_YEAR
    return parse_instant(date) if is_near else None


def _midnights(columns: "ndarray[Any, Any]") -> "ndarray[Any, Any] | None":
    """Return the beginnings of the days in ns, None if some date does not exist."""
    import numpy as np  # see above

    numbers = columns[:_DATE].astype(np.int64) - ord("0")
    years = np.array([1000, 100, 10, 1]) @ numbers[:4]
    months = np.array([10, 1]) @ numbers[5:7]
    days = np.array([10, 1]) @ numbers[8:]
    if years.min() < _FIRST_YEAR or years.max() > _LAST_YEAR:
        return None
    if months.min() < 1 or months.max() > 12 or days.min() < 1:
        return None
    firsts = (years - 1970) * 12 + months - 1
    since_1970: ndarray[Any, Any] = _first_day(firsts) + days - 1
    if (since_1970 >= _first_day(firsts + 1)).any():
        return None
    return since_1970 * _DAY_NS


def _first_day(months: "ndarray[Any, Any]") -> "ndarray[Any, Any]":
    """Return the first day of months, both counted since 1970."""
    days = months.astype("datetime64[M]").astype("datetime64[D]")
    found: ndarray[Any, Any] = days.astype("int64")
    return found
