"""Programs whose functions emit columns, whatever can be compiled to machine code."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
import pytest

from engine import Pipeline, compile_program
from engine.compiler import codegen, planner
from engine.compiler.namespace import Namespace
from engine.compiler.plan import Plan
from engine.runtime.columns import Columns
from engine.runtime.frame import Frame
from vpl import Program, nodes, walk

PIXELS = (
    "fn tile(n: int):\n"
    "    for k in 0..n:\n"
    "        emit Pixel(at: k, x: k / 7.0, odd: k % 2 == 1)\n"
)


def compile_columned(
    source: str, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Pipeline:
    """Return a pipeline whose emitting functions turn what they emit into columns."""
    plan_as_usual = planner.plan_program
    emitting: list[str] = []

    def plan(program: Program, names: Namespace) -> Plan:
        planned = plan_as_usual(program, names)
        found = _emitting(planned)
        planned.symbols.columned.update(found)
        emitting[:] = [planned.symbols.functions[name].generated for name in found]
        return planned

    with monkeypatch.context() as patch:
        patch.setattr(codegen, "plan_program", plan)
        pipeline = compile_by_rows(source, monkeypatch, **options)
    values = pipeline._machine.compiled.values
    for name in emitting:
        values[name] = _in_columns(values[name])
    return pipeline


def compile_by_rows(
    source: str, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Pipeline:
    """Return a pipeline without machine code, which makes events one by one."""
    with monkeypatch.context() as patch:
        patch.setattr(codegen, "add_native_forms", lambda *_: None)
        return compile_program(source, **options)


def _emitting(plan: Plan) -> list[str]:
    return [
        name
        for name, symbol in plan.symbols.functions.items()
        if any(isinstance(n, nodes.EmitStmt) for n in walk(*symbol.decl.body))
    ]


def _in_columns(function: Callable[..., Any]) -> Callable[..., Any]:
    def emitting_columns(x: Frame, d: int, *args: Any) -> Any:
        kept, x.emits = x.emits, []
        try:
            return function(x, d, *args)
        finally:
            made, x.emits = x.emits, kept
            x.emit_columns(columns_of(made))

    return emitting_columns


def columns_of(outputs: list[Any]) -> Iterator[Columns]:
    """Yield outputs of one class that stand together as columns."""
    for make, group in groupby(outputs, type):
        if make is Columns:  # of a function within
            yield from group
            continue
        rows = [_values(output) for output in group]
        arrays = tuple(np.array(column) for column in zip(*rows, strict=True))
        shape = msgspec.inspect.type_info(make)
        assert isinstance(shape, msgspec.inspect.StructType)
        names = tuple(field.encode_name for field in shape.fields[1:])
        yield Columns(str(shape.tag), names, arrays, make)


def _values(output: Any) -> list[Any]:
    return [getattr(output, name) for name in output.__struct_fields__[1:]]
