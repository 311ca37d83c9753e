"""Functions that become machine code."""

import json
import sys
import threading
from typing import Any

import pytest

from engine import Event, Limits, Pipeline, compile_program
from engine.compiler.symbols import Symbols
from engine.runtime import native_code
from engine.runtime.native import RESTING_CALLS, SHORT_CALLS, NativeFunction
from engine.runtime.native_code import _compiled

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


LONG = (
    "fn f(n: int) -> int:\n    var s = 0\n    for i in 0..n:\n"
    "        s := (s + i) % 7\n    return s\n"
)


class SteppingClock:
    """Thread time that runs on by one second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def with_clock(source: str, **limits: Any) -> Pipeline:
    pipeline = compile_program(source, limits=Limits(**limits))
    for budget in pipeline._machine.instance.budgets.values():
        budget.clock = SteppingClock()
    return pipeline


@pytest.mark.parametrize("loop", ["for i in 0..n:", "while true:", "for i in n:"])
def test_the_time_budget_stops_a_native_loop(loop: str) -> None:
    source = (
        f"fn f(n: int) -> int:\n    var s = 0\n    {loop}\n        s := (s + 1) % 7\n"
        "    return s\nstream S = In .emit(s: f(n))\nstream T = In .emit(n)"
    )
    pipeline = with_clock(source, cpu_s_per_event=2.5)
    got = reply_of(pipeline, "In", n=2**60)
    assert got["output_events"] == [{"event_type": "T", "n": 2**60}]
    assert [error["code"] for error in got["errors"]] == ["R001"]
    assert kernel(pipeline, "f").calls == 1


def test_the_time_budget_counts_many_short_kernels() -> None:
    source = (
        f"{LONG}fn g(v):\n    for i in 100000:\n        f(v)\n"
        "stream S = In .emit(s: g(n))"
    )
    pipeline = with_clock(source, cpu_s_per_event=2.5)
    got = reply_of(pipeline, "In", n=100_000)
    assert [error["code"] for error in got["errors"]] == ["R001"]
    assert kernel(pipeline, "f").calls < 1000


def test_recursion_is_stopped_by_the_time_budget() -> None:
    source = (
        "fn f(n: int) -> int: return if n <= 0 then 0 else f(n - 1) + f(n - 1)\n"
        "stream S = In .emit(s: f(n))"
    )
    pipeline = with_clock(source, cpu_s_per_event=2.5)
    got = reply_of(pipeline, "In", n=100)
    assert [error["code"] for error in got["errors"]] == ["R001"]


@pytest.mark.parametrize("n", [5, 199, 200, 1000])
def test_depth_counts_as_in_python(n: int) -> None:
    source = (
        "fn f(n: int) -> int: return if n <= 0 then 0 else 1 + f(n - 1)\n"
        "stream S = In .emit(s: f(n))"
    )
    got = reply_of(compile_program(source), "In", n=n)
    assert got == reply_of(in_python(source), "In", n=n)


@pytest.mark.parametrize("count", [9, 10, 11, 500])
@pytest.mark.parametrize("types", ["T", "TU"])
def test_outputs_of_one_event_are_bounded_in_the_kernel(count: int, types: str) -> None:
    emits = "".join(f"        emit {name}(i: i)\n" for name in types)
    source = f"fn f(n: int):\n    for i in n:\n{emits}stream S = In .process(f(n))"
    limits = Limits(outputs_per_event=10)
    native = compile_program(source, limits=limits)
    got = reply_of(native, "In", n=count)
    assert got == reply_of(in_python(source, limits=limits), "In", n=count)
    assert len(got["output_events"]) == min(count * len(types), 10)
    assert (kernel(native, "f").calls, kernel(native, "f").lefts) == (1, 0)


def test_events_of_a_kernel_that_gives_up_are_dropped() -> None:
    source = (
        "fn f(n: int):\n    for i in 0..n:\n        emit T(i: i, r: 6 / (3 - i))\n"
        "stream S = In .process(f(n))"
    )
    pipeline = compile_program(source)
    outputs = reply_of(pipeline, "In", n=5)["output_events"]
    assert [output.get("r") for output in outputs] == [2, 3, 6, None, -6]
    assert pipeline.metrics().errors == {"zero_division": 1}
    assert kernel(pipeline, "f").lefts == 1


def test_an_infinity_is_never_put_into_an_event() -> None:
    source = (
        "fn f(n: int):\n    var v = 1.0\n    for i in n:\n        v := v * 1e200\n"
        "        emit T(v: v)\nstream S = In .process(f(n))"
    )
    pipeline = compile_program(source)
    outputs = reply_of(pipeline, "In", n=3)["output_events"]
    assert outputs == [{"event_type": "T", "v": 1e200}, *[{"event_type": "T"}] * 2]


def test_globals_and_fields_are_read_as_they_are_when_called() -> None:
    source = (
        "event In:\n    step: int\nvar base = 10\nconst TIMES = 3\n"
        "fn f() -> int:\n    var s = 0\n    for i in TIMES: s := s + base + step\n"
        "    return s\nfn raise():\n    base := base + 1\n"
        "stream S = In .emit(s: f(), more: raise())"
    )
    native, python = compile_program(source), in_python(source)
    events: list[dict[str, Any]] = [
        {"step": 1},
        {"step": 2},
        {},
        {"step": 2.5},
        {"step": 1, "TIMES": 2},
        {"step": 1, "base": "text"},
    ]
    for fields in events:
        assert reply_of(native, "In", **fields) == reply_of(python, "In", **fields)
    assert native.metrics().errors == python.metrics().errors
    assert kernel(native, "f").calls == 3


def test_threads_share_a_kernel() -> None:
    pipeline = compile_program(f"{LONG}stream S = In .emit(s: f(n))")
    pipeline.inject(Event("In", {"n": 1}))
    run = kernel(pipeline, "f")
    frames = [compile_program("stream S = In .emit(n)") for _ in range(4)]
    wanted = {n: sum(range(n)) % 7 for n in (10, 1000, 20_000)}
    wrong: list[tuple[int, Any]] = []

    def call(frame: Any) -> None:
        for _ in range(30):
            for n, result in wanted.items():
                found = run(frame, 1, n)
                if found != result:
                    wrong.append((n, found))

    threads = [
        threading.Thread(target=call, args=(other._machine.instance.frames[0],))
        for other in frames
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_equal_functions_are_compiled_once() -> None:
    source = f"{LONG}stream S = In .emit(s: f(n))"
    first = compile_program(source)
    reply_of(first, "In", n=3)
    before = _compiled.cache_info()
    second = compile_program(f"# a comment\n{source}\nstream T = In .emit(n)")
    reply_of(second, "In", n=3)
    first.reload(source)
    reply_of(first, "In", n=3)
    after = _compiled.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 2)


def test_llvm_that_cannot_start_leaves_the_work_to_python(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(ir: str) -> None:
        raise RuntimeError("no target")

    monkeypatch.setattr(native_code, "_compiled", fail)
    pipeline = compile_program(f"{LONG}stream S = In .emit(s: f(n))")
    assert reply_of(pipeline, "In", n=4)["output_events"][0]["s"] == 6
    assert reply_of(pipeline, "In", n=4)["output_events"][0]["s"] == 6
    assert [record.getMessage() for record in caplog.records] == [
        "native functions stay in Python: no target"
    ]


REFUSED = {
    "fn f(n: int):\n    let s = null\n    for i in n: s + i": "this is null",
    "fn f(n): for i in n: n": "parameter 'n' has no type",
    "fn f(n: str): for i in 3: n": "no int, float or bool",
    "fn f(n: int): n + 1": "no loop",
    'fn f(n: int):\n    for i in n: emit T(a: "x")': "it uses a str",
    "fn f(n: int):\n    var s = 0\n    for i in n: s := s + 0.5": "'s' is int elsewhere and float here",
    "fn f(n: int):\n    for i in n:\n        if i: return 1": "a condition is a bool, this is int",
    "fn f(n: int):\n    for i in n: return 1\n    return 1.5": "it returns int elsewhere and float here",
    "var g = 1\nfn f(n: int):\n    for i in n: g := i": "it changes the global 'g'",
    "fn f(n: int):\n    for i in n: zap + 1": "the kind of the field 'zap' is not known",
    "fn f(n: int):\n    for i in n: [i]": "it makes an array",
    "fn f(n: int):\n    for i in n: len(i)": "it calls the builtin 'len'",
    "fn g(n: int): len(n)\nfn f(n: int):\n    for i in n: g(i)": "it calls 'g', which is not native (line 1, column 15: it calls the builtin 'len')",
    "fn f(n: int):\n    for i in n: true + i": "'+' has no meaning for bool and int",
    "fn f(n: int):\n    let g = x => x\n    for i in n: g(i)": "it makes a lambda",
    "fn f(n: bool):\n    for i in n: 1": "a loop cannot run over bool",
    "fn f(n: int):\n    for i in n: if i > 2 then 1 else 2.0": "this is int or float",
}


@pytest.mark.parametrize("source", REFUSED)
def test_it_says_why_a_function_is_not_native(source: str) -> None:
    assert REFUSED[source] in reason(source)


def test_the_reason_at_the_bottom_of_calls_is_told() -> None:
    source = (
        "fn h(n: int): len(n)\nfn g(n: int): h(n)\nfn f(n: int):\n    for i in n: g(i)"
    )
    wanted = "it calls 'g', which is not native (line 1, column 15: it calls the builtin 'len')"
    assert reason(source) == wanted


def test_functions_that_call_each_other_are_native() -> None:
    source = (
        "fn even(n: int) -> bool: return if n == 0 then true else odd(n - 1)\n"
        "fn odd(n: int) -> bool: return if n == 0 then false else even(n - 1)\n"
        "stream S = In .emit(a: even(n), b: odd(n))"
    )
    pipeline = compile_program(source)
    assert reply_of(pipeline, "In", n=7)["output_events"] == [
        {"event_type": "S", "a": False, "b": True}
    ]
    assert kernel(pipeline, "even").calls == kernel(pipeline, "odd").calls == 1


def test_one_function_of_a_circle_keeps_all_from_being_native() -> None:
    source = (
        "fn f(n: int): return if n == 0 then 1 else g(n - 1)\n"
        "fn g(n: int): return if n == 0 then 1.5 else f(n - 1)"
    )
    assert "this is int or float" in reason(source, "f")
    assert "it calls 'f'" in reason(source, "g")


def test_a_function_of_text_calls_machine_code() -> None:
    source = (
        f'{LONG}fn g(word: str, n: int) -> int:\n    if word == "no": return 0\n'
        "    return f(n)\nstream S = In .emit(s: g(word, n))"
    )
    pipeline = compile_program(source)
    assert reply_of(pipeline, "In", word="yes", n=4)["output_events"][0]["s"] == 6
    assert kernel(pipeline, "f").calls == 1


def test_functions_beyond_what_can_be_lowered_stay_in_python() -> None:
    turns = "".join(f"        s := (s + i * {k}) % 7\n" for k in range(500))
    long = f"fn f(n: int) -> int:\n    var s = 0\n    for i in n:\n{turns}    return s"
    assert "it is too long" in reason(long)


def test_locals_that_may_be_null_leave_the_kernel_when_used() -> None:
    source = (
        "fn f(n: int):\n    for i in n:\n        let last = i\n    return last * 2\n"
        "fn g(n: int):\n    var best = null\n    for i in n:\n"
        "        if best == null or best < i: best := i\n    return best ?? -1\n"
        "stream S = In .emit(f: f(n), g: g(n))"
    )
    native, python = compile_program(source), in_python(source)
    for n in (0, 1, 5):
        assert reply_of(native, "In", n=n) == reply_of(python, "In", n=n)
    assert (kernel(native, "f").calls, kernel(native, "f").lefts) == (3, 1)
    assert (kernel(native, "g").calls, kernel(native, "g").lefts) == (3, 0)


def test_short_loops_are_left_to_python_until_they_are_long() -> None:
    pipeline = compile_program(f"{LONG}stream S = In .emit(s: f(n))")
    short, long = b'{"event_type": "In", "n": 3}\n', b'{"event_type": "In", "n": 300}\n'
    pipeline.inject_batch(short * 1000)
    assert kernel(pipeline, "f").calls == SHORT_CALLS
    reply = pipeline.inject_batch(long * (RESTING_CALLS + 100))
    assert kernel(pipeline, "f").calls > SHORT_CALLS + 100
    assert {row["s"] for row in reply.outputs} == {sum(range(300)) % 7}
