"""Serializer fields that take JSON values as they are: no text becomes a number."""

import math
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cluster.timestamps import format_timestamp
from vpl import PIPELINE_LIMITS


@extend_schema_field(OpenApiTypes.STR)
class TextField(serializers.Field[Any, Any, Any, Any]):
    """A text, with NUL and surrounding space if it has them."""

    default_error_messages = {
        "invalid": "must be a text",
        "empty": "must not be empty",
        "long": "must not be longer than {most} characters",
    }

    def __init__(self, *, allow_empty: bool = False, most: int = 0, **options: Any):
        """Take texts up to `most` characters; 0 stands for any length."""
        self.allow_empty = allow_empty
        self.most = most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text or fail."""
        if not isinstance(data, str):
            self.fail("invalid")
        if not data and not self.allow_empty:
            self.fail("empty")
        if self.most and len(data) > self.most:
            self.fail("long", most=self.most)
        return str(data)

    def to_representation(self, value: Any) -> str:
        """Return the text."""
        return str(value)


@extend_schema_field(OpenApiTypes.BOOL)
class FlagField(serializers.Field[Any, Any, Any, Any]):
    """`true` or `false`."""

    default_error_messages = {"invalid": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        """Return the flag or fail."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)

    def to_representation(self, value: Any) -> bool:
        """Return the flag."""
        return bool(value)


@extend_schema_field(OpenApiTypes.INT)
class CountField(serializers.Field[Any, Any, Any, Any]):
    """An integer from `least` to `most`; 3.0 is one."""

    default_error_messages = {
        "invalid": "must be an integer",
        "range": "must lie between {least} and {most}",
    }

    def __init__(self, *, least: int = 0, most: int = 2**31 - 1, **options: Any):
        """Take integers within the bounds."""
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        """Return the integer or fail."""
        whole = isinstance(data, float) and data.is_integer()
        if isinstance(data, bool) or not (isinstance(data, int) or whole):
            self.fail("invalid")
        if not self.least <= data <= self.most:
            self.fail("range", least=self.least, most=self.most)
        return int(data)

    def to_representation(self, value: Any) -> int:
        """Return the integer."""
        return int(value)


@extend_schema_field(OpenApiTypes.NUMBER)
class NumberField(serializers.Field[Any, Any, Any, Any]):
    """A finite number that is not negative."""

    default_error_messages = {"invalid": "must be a number, zero or above"}

    def to_internal_value(self, data: Any) -> float:
        """Return the number or fail."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if not math.isfinite(data) or data < 0:
            self.fail("invalid")
        return float(data)

    def to_representation(self, value: Any) -> float:
        """Return the number, whole ones as integers."""
        return int(value) if float(value).is_integer() else float(value)


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object of any content."""

    default_error_messages = {"invalid": "must be an object"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object or fail."""
        if not isinstance(data, dict):
            self.fail("invalid")
        return dict(data)

    def to_representation(self, value: Any) -> dict[str, Any]:
        """Return the object."""
        return dict(value)


_LIMITS_SCHEMA = {
    "type": "object",
    "properties": {
        limit.name: {
            "type": "integer" if limit.is_whole else "number",
            "exclusiveMinimum": 0,
            "maximum": limit.most,
        }
        for limit in PIPELINE_LIMITS.values()
    },
    "additionalProperties": False,
}


@extend_schema_field(_LIMITS_SCHEMA)
class LimitsField(serializers.Field[Any, Any, Any, Any]):
    """Numbers by name; which names and numbers can be meant the spec tells."""

    default_error_messages = {"invalid": "must be an object of numbers"}

    def to_internal_value(self, data: Any) -> dict[str, int | float]:
        """Return the limits or fail."""
        if not isinstance(data, dict) or not all(map(_is_number, data.values())):
            self.fail("invalid")
        return dict(data)

    def to_representation(self, value: Any) -> dict[str, int | float]:
        """Return the limits."""
        return dict(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@extend_schema_field(OpenApiTypes.DATETIME)
class TimestampField(serializers.Field[Any, Any, Any, Any]):
    """RFC 3339, UTC, milliseconds; read-only."""

    def to_representation(self, value: Any) -> str:
        """Return the text."""
        return format_timestamp(value)
