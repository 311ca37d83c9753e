"""Display text of values (vpl.md section 5)."""

from typing import Any

from engine.encoding import encode
from engine.runtime.times import duration_text
from engine.runtime.values import Duration, Timestamp, iso_text


def display(value: Any) -> str:
    """Return the text a person sees: texts plain, floats without a trailing `.0`."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is list:
        return "[" + ", ".join(map(_nested, value)) + "]"
    if kind is dict:
        parts = [f"{key}: {_nested(member)}" for key, member in value.items()]
        return "{" + ", ".join(parts) + "}"
    return _scalar(value)


def _nested(value: Any) -> str:
    return encode(value).decode() if value.__class__ is str else display(value)


def _scalar(value: Any) -> str:
    kind = value.__class__
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if kind is float:
        return repr(value).removesuffix(".0")
    if kind is Timestamp:
        return iso_text(value.ns)
    if kind is Duration:
        return duration_text(value.ns)
    return str(value) if kind is int else "function"
