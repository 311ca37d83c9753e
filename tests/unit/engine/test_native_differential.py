"""Native functions against the Python that says what they mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from engine import compile_program
from engine.pipeline import Pipeline
from engine.runtime.columns import each_output
from engine.runtime.frame import StreamStopped
from engine.runtime.native import NativeFunction
from engine.runtime.native_memory import LEFT
from tests.unit.engine.native_programs import TypedFunction, typed_functions

# the first program raises Python's recursion limit, which hypothesis watches
compile_program("stream R = In .emit(r: 1)")


@contextmanager
def in_python(pipeline: Pipeline) -> Iterator[None]:
    """Let all native functions leave their work to Python."""
    values = pipeline._machine.compiled.values
    natives = {n: v for n, v in values.items() if isinstance(v, NativeFunction)}
    values |= {name: lambda *given: LEFT for name in natives}
    yield
    values |= natives


def seen(pipeline: Pipeline, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return all that a call of `main` in a `.process` shows to anyone."""
    instance = pipeline._machine.instance
    function = instance.compiled.plan.symbols.functions["main"].generated
    (frame,) = instance.frames
    frame.row = instance.load_frame.row
    frame.emits = emits = []
    frame.eval_errors.clear()
    try:
        value = exact(instance.compiled.values[function](frame, 1, *arguments))
    except StreamStopped as stopped:
        value = ("stopped", stopped.code)
    events = [
        (type(output).__struct_config__.tag, *map(exact, fields(output)))
        for output in each_output(emits)
    ]
    return value, events, dict(frame.eval_errors), frame.take_faults()


def fields(output: Any) -> list[Any]:
    return [getattr(output, name) for name in output.__struct_fields__]


def exact(value: Any) -> tuple[str, str]:
    """Return a value so that only the very same is equal to it."""
    return type(value).__name__, repr(value)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed_functions())
def test_nobody_can_tell_native_code_from_python(function: TypedFunction) -> None:
    """Each of the 500 functions is called with at least four sets of arguments."""
    pipeline = compile_program(function.source)
    symbols = pipeline._machine.compiled.plan.symbols
    assert "main" in symbols.native, symbols.refusals
    for arguments in function.arguments:
        native = seen(pipeline, arguments)
        with in_python(pipeline):
            assert native == seen(pipeline, arguments)
