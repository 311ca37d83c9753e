"""Rows of a database as records of values VPL knows."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def record_of(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return a row by column name."""
    return {name: value_of(value) for name, value in zip(names, row, strict=True)}


def value_of(value: Any) -> Any:
    """Return a column's value as one JSON has.

    Decimals become floats, moments ISO 8601 texts, bytes hexadecimal texts, and
    whatever else a driver knows its text.
    """
    match value:
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case Decimal():
            return float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
    return str(value)
