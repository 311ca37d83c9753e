"""Functions that become machine code."""

import json
import sys
from typing import Any

import pytest

from engine import Event, Pipeline, compile_program
from engine.compiler.symbols import Symbols
from engine.runtime.native import NativeFunction

TILE = """
fn mandelbrot(cx: float, cy: float, max_iter: int) -> int:
    var zr = 0.0
    var zi = 0.0
    var i = 0
    while i < max_iter:
        let r2 = zr * zr
        let i2 = zi * zi
        if r2 + i2 > 4.0:
            return i
        zi := 2.0 * zr * zi + cy
        zr := r2 - i2 + cx
        i := i + 1
    return max_iter

fn tile(size: int, max_iter: int):
    for px in 0..size:
        for py in 0..size:
            let cx = -2.0 + px * 3.0 / size
            let cy = -1.5 + py * 3.0 / size
            let n = mandelbrot(cx, cy, max_iter)
            emit Pixel(x: px, y: py, n: n, cx: cx, inside: n == max_iter)

stream Tile = Order.process(tile(size, 50))
"""
SUM = "fn f(n: int) -> int:\n    var s = 0\n    for i in 0..n:\n        s := s + i * i\n    return s\n"


def symbols_of(pipeline: Pipeline) -> Symbols:
    return pipeline._machine.compiled.plan.symbols


def reason(source: str, name: str = "f") -> str:
    """Return why a function is not native."""
    pipeline = compile_program(source + "\nstream S = In .emit(a: 1)")
    return symbols_of(pipeline).refusals[name].reason


def kernel(pipeline: Pipeline, name: str) -> NativeFunction:
    """Return the native form of a function."""
    machine = pipeline._machine
    found = machine.compiled.values[symbols_of(pipeline).native[name].generated]
    assert isinstance(found, NativeFunction)
    return found


def in_python(source: str, **options: Any) -> Pipeline:
    """Return a pipeline without native functions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "llvmlite", None)
        return compile_program(source, **options)


def reply_of(pipeline: Pipeline, event_type: str, **fields: Any) -> Any:
    reply = pipeline.inject(Event(event_type, fields))
    return json.loads(reply.to_json_bytes())


def test_a_loop_over_numbers_is_machine_code() -> None:
    native, python = compile_program(TILE), in_python(TILE)
    got = native.inject(Event("Order", {"size": 20})).to_json_bytes()
    assert got == python.inject(Event("Order", {"size": 20})).to_json_bytes()
    assert len(json.loads(got)["output_events"]) == 400
    assert (kernel(native, "tile").calls, kernel(native, "tile").lefts) == (1, 0)
    assert not symbols_of(python).native


def test_without_llvmlite_python_does_the_work() -> None:
    pipeline = in_python(f"{SUM}stream S = In .emit(s: f(n))")
    assert reply_of(pipeline, "In", n=4)["output_events"][0]["s"] == 14
    assert "pip install llvmlite" in symbols_of(pipeline).refusals["f"].reason


def test_an_overflow_is_counted_as_ever() -> None:
    pipeline = compile_program(f"{SUM}stream S = In .emit(s: f(n))")
    assert reply_of(pipeline, "In", n=5_000_000)["output_events"] == [
        {"event_type": "S"}
    ]
    assert pipeline.metrics().errors == {"overflow": 1}
    assert kernel(pipeline, "f").lefts == 1


@pytest.mark.parametrize("n", [None, "3", 3.5, True, [3]])
def test_arguments_of_other_kinds_go_to_python(n: Any) -> None:
    source = f"{SUM}stream S = In .emit(s: f(n))"
    pipeline, python = compile_program(source), in_python(source)
    assert reply_of(pipeline, "In", n=n) == reply_of(python, "In", n=n)
    assert pipeline.metrics().errors == python.metrics().errors
    assert kernel(pipeline, "f").calls == 0
