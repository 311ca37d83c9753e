"""Builtins on texts."""

import hashlib
from collections.abc import Callable
from typing import Any

from engine.builtins.regex import RegexError, SearchTooLargeError, search
from engine.encoding import encode
from engine.runtime.display import display
from engine.runtime.frame import Frame, bounded, too_large
from engine.runtime.operators import CHARS_PER_COPY, add
from engine.runtime.values import Duration, Function, Timestamp
from engine.runtime.weight import is_bounded

Value = Any
STEPS_PER_UNIT = 64


def on_text(apply: Callable[[str], Any]) -> Callable[[Frame, Value], Value]:
    """Return a builtin on one text from a function on `str`."""

    def call(x: Frame, text: Value) -> Value:
        return apply(text) if text.__class__ is str else x.count("kind")

    call.__name__ = apply.__name__
    return call


def on_two_texts(
    apply: Callable[[str, str], Any],
) -> Callable[[Frame, Value, Value], Value]:
    """Return a builtin on two texts from a function on `str`."""

    def call(x: Frame, text: Value, other: Value) -> Value:
        if text.__class__ is str and other.__class__ is str:
            return apply(text, other)
        return x.count("kind")

    call.__name__ = apply.__name__
    return call


def split(x: Frame, text: Value, separator: Value) -> Value:
    """Return the parts of a text between separators."""
    if text.__class__ is not str or separator.__class__ is not str:
        return x.count("kind")
    if not separator:
        return x.count("argument")
    if text.count(separator) >= x.limits.array_items:
        return too_large(x, "an array")
    return text.split(separator)


def join(x: Frame, array: Value, separator: Value) -> Value:
    """Return the display texts of the elements, with separators between."""
    if array.__class__ is not list or separator.__class__ is not str:
        return x.count("kind")
    if not is_bounded(array, x):
        return None
    if (len(array) - 1) * len(separator) > x.limits.text_chars:
        return too_large(x, "a text")
    return bounded(separator.join(map(display, array)), x)


def replace(x: Frame, text: Value, old: Value, new: Value) -> Value:
    """Return the text with every `old` replaced."""
    if not all(part.__class__ is str for part in (text, old, new)):
        return x.count("kind")
    if not old:
        return x.count("argument")
    growth = text.count(old) * (len(new) - len(old))
    if len(text) + growth > x.limits.text_chars:
        return too_large(x, "a text")
    return text.replace(old, new)


def substring(x: Frame, text: Value, start: Value, end: Value = None) -> Value:
    """Return `text[start:end]`."""
    bounds = (start,) if end is None else (start, end)
    if text.__class__ is not str or any(b.__class__ is not int for b in bounds):
        return x.count("kind")
    return text[start:end]


def repeat(x: Frame, text: Value, times: Value) -> Value:
    """Return the text `times` times."""
    if text.__class__ is not str or times.__class__ is not int:
        return x.count("kind")
    if times < 0:
        return x.count("argument")
    if len(text) * times > x.limits.text_chars:
        return too_large(x, "a text")
    x.n -= len(text) * times // CHARS_PER_COPY
    return text * times


def concat(x: Frame, *parts: Value) -> Value:
    """Return texts or arrays put together."""
    whole = parts[0]
    if whole.__class__ is not str and whole.__class__ is not list:
        return x.count("kind")
    for part in parts[1:]:
        whole = add(whole, part, x)
    return whole


def format_text(x: Frame, template: Value, *args: Value) -> Value:
    """Return the template with `{}` filled by display texts, in order."""
    if template.__class__ is not str:
        return x.count("kind")
    if not is_bounded(list(args), x):
        return None
    first, *pieces = template.split("{}", len(args))
    filled = [first]
    for arg, piece in zip(args, pieces, strict=False):
        filled += [display(arg), piece]
    return bounded("".join(filled), x)


def matches(x: Frame, text: Value, pattern: Value) -> Value:
    """Tell whether the pattern occurs in the text; linear in its length."""
    if text.__class__ is not str or pattern.__class__ is not str:
        return x.count("kind")
    try:
        found, steps = search(pattern, text)
    except RegexError:
        return x.count("argument")
    except SearchTooLargeError:
        return too_large(x, "a search")
    x.n -= steps // STEPS_PER_UNIT
    return found


def stable_hash(x: Frame, value: Value) -> Value:
    """Return a 64-bit int that is the same everywhere for equal values."""
    if value.__class__ is Function:
        return x.count("kind")
    if not is_bounded(value, x):
        return None
    canonical = encode(_canonical(value))
    digest = hashlib.blake2b(canonical, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _canonical(value: Value) -> Value:
    """Give equal values one form: integral floats as ints, map keys in order."""
    kind = value.__class__
    if kind is float and value.is_integer():
        return int(value) if abs(value) < 2**63 else repr(value)
    if kind is list:
        return list(map(_canonical, value))
    if kind is dict:
        return {key: _canonical(value[key]) for key in sorted(value)}
    if kind is Timestamp or kind is Duration:
        return repr(value)
    return value
