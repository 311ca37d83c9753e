"""The functions of the language (vpl.md section 5), by name.

A user function of the same name wins. A test keeps this list and `vpl.catalog` equal.
"""

import math
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Final

from engine.builtins import (
    arrays,
    calendar,
    conversion,
    maps,
    nulls,
    numbers,
    ordering,
    text,
)
from engine.builtins.spec import Builtin, higher, sized, strict
from engine.compiler.kinds import (
    ANY,
    ARRAY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    LOGICAL,
    NULL,
    NUMBER,
    STR,
    TIMESTAMP,
)

_FLOAT_FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    "sqrt": math.sqrt,
    "log": math.log,
    "ln": math.log,
    "log10": math.log10,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "atan2": math.atan2,
}
_NUMBERS = {
    **{
        name: strict(numbers.float_function(apply), NULL | FLOAT)
        for name, apply in _FLOAT_FUNCTIONS.items()
    },
    "abs": strict(numbers.absolute, NULL | NUMBER | DURATION),
    "floor": strict(numbers.floor, NULL | INT),
    "ceil": strict(numbers.ceil, NULL | INT),
    "round": strict(numbers.round_number, NULL | NUMBER),
    "pow": strict(numbers.pow_number, NULL | NUMBER),
    "min": sized(numbers.least),
    "max": sized(numbers.greatest),
    "clamp": strict(numbers.clamp, NULL | NUMBER),
    "sign": strict(numbers.sign, NULL | INT),
}
_LOWER = sized(text.on_text(str.lower), NULL | STR)
_UPPER = sized(text.on_text(str.upper), NULL | STR)
_TEXT = {
    "len": strict(arrays.length, NULL | INT),
    "trim": sized(text.on_text(str.strip), NULL | STR),
    **dict.fromkeys(("lower", "lowercase", "to_lower"), _LOWER),
    **dict.fromkeys(("upper", "uppercase", "to_upper"), _UPPER),
    "split": sized(text.split, NULL | ARRAY),
    "join": sized(text.join, NULL | STR),
    "replace": sized(text.replace, NULL | STR),
    "starts_with": strict(text.on_two_texts(str.startswith), LOGICAL),
    "ends_with": strict(text.on_two_texts(str.endswith), LOGICAL),
    "contains": sized(arrays.contains, LOGICAL),
    "substring": strict(text.substring, NULL | STR),
    "index_of": sized(text.on_two_texts(str.find), NULL | INT),
    "repeat": strict(text.repeat, NULL | STR),
    "concat": sized(text.concat, NULL | STR | ARRAY),
    "format": sized(text.format_text, NULL | STR),
    "matches": sized(text.matches, LOGICAL),
    "hash": sized(text.stable_hash, NULL | INT),
}
_ARRAYS = {
    "first": strict(arrays.on_array(arrays.first_item)),
    "last": strict(arrays.on_array(arrays.last_item)),
    "push": sized(arrays.push, NULL | ARRAY),
    "pop": sized(arrays.on_array(arrays.without_last), NULL | ARRAY),
    "reverse": sized(arrays.on_array(arrays.reversed_items), NULL | ARRAY),
    "sort": sized(ordering.sort, NULL | ARRAY),
    "sort_by": higher(arrays.sort_by, NULL | ARRAY),
    "range": sized(arrays.int_array, NULL | ARRAY),
    "sum": sized(arrays.total, NULL | FLOAT),
    "avg": sized(arrays.average, NULL | FLOAT),
    "variance": sized(arrays.variance, NULL | FLOAT),
    "stddev": sized(arrays.deviation, NULL | FLOAT),
    "count": higher(arrays.count_items, NULL | INT),
    "unique": sized(arrays.unique_items, NULL | ARRAY),
    "flatten": sized(arrays.flatten, NULL | ARRAY),
    "zip": sized(arrays.zip_arrays, NULL | ARRAY),
    "sliding_pairs": sized(arrays.on_array(arrays.neighbours), NULL | ARRAY),
    "map": higher(arrays.map_items, NULL | ARRAY),
    "filter": higher(arrays.filter_items, NULL | ARRAY),
    "reduce": higher(arrays.reduce_items, ANY),
    "find": higher(arrays.find_item),
    "any": higher(arrays.any_item, LOGICAL),
    "all": higher(arrays.all_items, LOGICAL),
}
_MAPS = {
    "keys": sized(maps.keys, NULL | ARRAY),
    "values": sized(maps.values, NULL | ARRAY),
    "get": strict(maps.get, ANY),
    "set": sized(maps.replace_member),
    "merge": sized(maps.merge),
}
_CONVERSION = {
    "to_string": Builtin(conversion.to_string, NULL | STR, is_paid=True),
    "to_int": strict(conversion.to_int, NULL | INT),
    "to_float": sized(conversion.to_float, NULL | FLOAT),
    "to_timestamp": strict(conversion.to_timestamp, NULL | TIMESTAMP),
    "to_duration": strict(conversion.to_duration, NULL | DURATION),
    "parse_json": sized(conversion.parse_json),
    "to_json": sized(conversion.to_json, NULL | STR),
    "type_of": Builtin(conversion.type_of, STR),
}
_TESTS = {
    "is_null": Builtin(nulls.kind_test(type(None)), BOOL),
    "is_int": strict(nulls.kind_test(int), LOGICAL),
    "is_float": strict(nulls.kind_test(float), LOGICAL),
    "is_number": strict(nulls.kind_test(int, float), LOGICAL),
    "is_string": strict(nulls.kind_test(str), LOGICAL),
    "is_bool": strict(nulls.kind_test(bool), LOGICAL),
    "is_array": strict(nulls.kind_test(list), LOGICAL),
    "is_map": strict(nulls.kind_test(dict), LOGICAL),
    "coalesce": Builtin(nulls.coalesce, ANY),
    "if_null": Builtin(nulls.coalesce, ANY),
}
_TIME = {
    "now": Builtin(calendar.now, TIMESTAMP),
    "epoch_ms": strict(calendar.epoch_ms, NULL | INT),
    **{
        name: strict(calendar.calendar_field(attrgetter(name)), NULL | INT)
        for name in ("year", "month", "day", "hour", "minute", "second")
    },
    "weekday": strict(calendar.calendar_field(datetime.isoweekday), NULL | INT),
    "truncate_time": strict(calendar.truncate_time, NULL | TIMESTAMP),
    "millis": strict(calendar.millis, NULL | FLOAT),
    "seconds": strict(calendar.seconds, NULL | FLOAT),
    "format_time": strict(calendar.format_time, NULL | STR),
}
BUILTINS: Final[dict[str, Builtin]] = {
    **_NUMBERS,
    **_TEXT,
    **_ARRAYS,
    **_MAPS,
    **_CONVERSION,
    **_TESTS,
    **_TIME,
}

__all__ = ["BUILTINS", "Builtin"]
