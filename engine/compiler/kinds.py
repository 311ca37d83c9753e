"""Sets of kinds a value may have, as bits; what the compiler knows of a value."""

from typing import Final

Kinds = int

NULL: Final = 1
BOOL: Final = 2
INT: Final = 4
FLOAT: Final = 8
STR: Final = 16
ARRAY: Final = 32
MAP: Final = 64
TIMESTAMP: Final = 128
DURATION: Final = 256
FUNCTION: Final = 512
RANGE: Final = 1024

NUMBER: Final = INT | FLOAT
LOGICAL: Final = BOOL | NULL
FIELD: Final = NULL | BOOL | INT | FLOAT | STR | ARRAY | MAP | TIMESTAMP | DURATION
ANY: Final = FIELD | FUNCTION

LITERAL_KINDS: Final[dict[str, Kinds]] = {
    "null": NULL,
    "bool": BOOL,
    "int": INT,
    "float": FLOAT,
    "str": STR,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
}


def within(kinds: Kinds, allowed: Kinds) -> bool:
    """Tell whether every kind in `kinds` is allowed."""
    return not kinds & ~allowed
