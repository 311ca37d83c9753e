"""Constant expressions in operations: sizes of windows, counts, durations.

What may stand there is known when the program loads (E062): literals, operators,
builtins and globals that never change. Their meaning is that of all expressions: they
are compiled and evaluated once.
"""

import dataclasses
from typing import Any, Final

from engine.compiler import expressions, functions
from engine.compiler.code import constant
from engine.compiler.expressions import Expressions
from engine.compiler.functions import compile_lambda
from engine.compiler.kinds import NULL
from engine.compiler.namespace import FieldTable, Namespace
from engine.compiler.readers import RowReader
from engine.compiler.scopes import Scope
from engine.compiler.sites import Sites
from engine.compiler.symbols import Symbols
from engine.errors import LoadError
from engine.limits import Limits
from engine.runtime.clock import SystemClock
from engine.runtime.frame import Budget, Frame
from engine.runtime.values import Duration
from vpl import Program, nodes

MAX_REFERENCES: Final = 100  # constants that name constants


def constant_value(program: Program, node: nodes.Expr) -> Any:
    """Return the value of a constant expression of the program, None for null."""
    if isinstance(node, nodes.Literal) and node.kind not in {"timestamp", "duration"}:
        return node.value
    fixed = {
        decl.name: decl.value
        for decl in program.body
        if isinstance(decl, nodes.VarDecl) and decl.keyword != "var"
    }
    return _evaluated(_expanded(node, fixed, 0))


def duration_ns(program: Program, node: nodes.Expr, what: str) -> int:
    """Return a positive length of time in ns; raises `LoadError` for anything else."""
    value = constant_value(program, node)
    if value.__class__ is Duration and value.ns > 0:
        return int(value.ns)
    raise LoadError(f"line {node.span.line}: {what} wants a duration above zero")


def whole_number(program: Program, node: nodes.Expr, what: str, least: int) -> int:
    """Return an int of at least `least`; raises `LoadError` for anything else."""
    value = constant_value(program, node)
    if value.__class__ is int and value >= least:
        return int(value)
    wanted = f"a whole number of at least {least}"
    raise LoadError(f"line {node.span.line}: {what} wants {wanted}")


def _expanded(node: Any, fixed: dict[str, nodes.Expr], depth: int) -> Any:
    """Return the expression with the values of globals in place of their names."""
    if isinstance(node, nodes.Name) and node.id in fixed:
        if depth > MAX_REFERENCES:
            raise LoadError(f"line {node.span.line}: constants name each other")
        return _expanded(fixed[node.id], fixed, depth + 1)
    if isinstance(node, tuple):
        return tuple(_expanded(part, fixed, depth) for part in node)
    if not dataclasses.is_dataclass(node) or not isinstance(node, nodes.Node):
        return node
    parts = {
        item.name: _expanded(getattr(node, item.name), fixed, depth)
        for item in dataclasses.fields(node)
        if item.name != "span"
    }
    return dataclasses.replace(node, **parts)


def _evaluated(node: nodes.Expr) -> Any:
    names, symbols, sites = Namespace(FieldTable()), Symbols(), Sites()

    def make_lambda(scope: Scope, inner: nodes.Lambda) -> Any:
        return compile_lambda(scope, inner, sites)

    no_row = RowReader(names, constant("None", NULL), None)
    scope = Scope(names, symbols, "x", "1", no_row, constant("None", NULL), make_lambda)
    code = Expressions(scope).code(node)
    limits = Limits()
    frame = Frame("", Budget(limits.cpu_s_per_event), limits, SystemClock())
    values = {**expressions.RUNTIME, **functions.RUNTIME, **names.values, "x": frame}
    source = [text for lines in names.functions for text in lines.texts]
    source += [*names.module_lines, f"value = {code.text}"]
    # generated code: names are made by the compiler, texts are values
    exec("\n".join(source), values)  # noqa: S102
    return values["value"]
