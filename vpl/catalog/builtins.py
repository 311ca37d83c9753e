"""The builtin functions of vpl.md section 5."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Builtin:
    """A builtin: how many arguments it takes (no bound if `most` is None), and at
    which position it takes a function, if at any."""

    name: str
    least: int
    most: int | None
    function_at: int | None = None


_EXACT = {
    0: "now",
    1: (
        "abs sqrt log ln log10 exp sin cos tan floor ceil sign "
        "len trim lower lowercase to_lower upper uppercase to_upper hash "
        "first last pop reverse sort sum avg variance stddev unique flatten "
        "sliding_pairs keys values "
        "to_string to_int to_float to_timestamp to_duration parse_json to_json type_of "
        "is_null is_int is_float is_number is_string is_bool is_array is_map "
        "epoch_ms year month day hour minute second weekday millis seconds"
    ),
    2: (
        "atan2 pow split join starts_with ends_with contains index_of repeat matches "
        "push zip merge if_null truncate_time format_time"
    ),
    3: "clamp replace set",
}

_OTHERS = (
    Builtin("round", 1, 2),
    Builtin("min", 1, None),
    Builtin("max", 1, None),
    Builtin("substring", 2, 3),
    Builtin("concat", 1, None),
    Builtin("format", 1, None),
    Builtin("get", 2, 3),
    Builtin("range", 1, 2),
    Builtin("coalesce", 1, None),
    Builtin("count", 1, 2, function_at=1),
    Builtin("sort_by", 2, 2, function_at=1),
    Builtin("map", 2, 2, function_at=1),
    Builtin("filter", 2, 2, function_at=1),
    Builtin("find", 2, 2, function_at=1),
    Builtin("any", 2, 2, function_at=1),
    Builtin("all", 2, 2, function_at=1),
    Builtin("reduce", 3, 3, function_at=2),
)


def _table() -> dict[str, Builtin]:
    found = {item.name: item for item in _OTHERS}
    for count, names in _EXACT.items():
        for name in names.split():
            found[name] = Builtin(name, count, count)
    return found


BUILTINS: dict[str, Builtin] = _table()
