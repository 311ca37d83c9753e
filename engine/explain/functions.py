"""Which functions are machine code, and why the others are not."""

from collections.abc import Iterator
from typing import Any

from engine.compiler.symbols import Refusal, Symbols


def functions(symbols: Symbols) -> list[dict[str, Any]]:
    """Return the functions in order of declaration.

    `native` tells whether one is machine code; where not, `reason` says why, for the
    place at `line` and `column`, and `file` names an import that it is in.
    """
    return [dict(_members(name, symbols)) for name in symbols.functions]


def _members(name: str, symbols: Symbols) -> Iterator[tuple[str, Any]]:
    yield "name", name
    yield "native", name in symbols.native
    refusal = symbols.refusals.get(name)
    if refusal is not None:
        yield from _reason(refusal)


def _reason(refusal: Refusal) -> Iterator[tuple[str, Any]]:
    yield "reason", refusal.reason
    yield "line", refusal.span.line
    yield "column", refusal.span.column
    if refusal.span.file:
        yield "file", refusal.span.file
