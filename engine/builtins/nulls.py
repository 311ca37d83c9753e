"""Builtins that look at null and at kinds."""

from collections.abc import Callable
from typing import Any

from engine.runtime.frame import Frame

Value = Any


def coalesce(x: Frame, *values: Value) -> Value:
    """Return the first value that is not null."""
    return next((value for value in values if value is not None), None)


def kind_test(*classes: type) -> Callable[[Frame, Value], bool]:
    """Return a builtin that tells whether a value is of one of the classes."""

    def call(x: Frame, value: Value) -> bool:
        return value.__class__ in classes

    return call
