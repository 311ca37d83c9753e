"""No text of a program ever becomes generated code."""

import ast
import sys
from typing import Any

import pytest

from engine import Event, compile_program
from engine.compiler.namespace import sound_text
from vpl.limits import MAX_OPERATIONS, MAX_PROCESSES

HOSTILE = [
    "__import__",
    "__class__",
    "__builtins__",
    "lambda",
    "K1",
    "x0",
    "x",
    "r",
    "t",
    "out",
    "push",
    "G",
    "f0",
    "ts",
    "Row",
    "a b",
    "a-b",
    "1x",
    "'); import os; ('",
    "]+[__import__('os')",
    "{0}",
    "#",
    "é\u2028ü",
    "x" * 300,
]
TEXTS = [
    '\\"\\"\\"',
    "'''",
    '\\"',
    "\\n\\r\\0",
    "');raise SystemExit;('",
    "{x}%s%(a)s",
    "\\u2028",
]


def skeleton(source: str) -> str:
    """Return the shape of Python code: its tree without numbers in names."""
    return ast.dump(ast.parse(source))


def program(name: str, text: str) -> str:
    return (
        f"event `{name}`: `{name}`: int\n"
        f"let g = 1\n"
        f"fn f(`{name}`):\n    var `{name}_l` = `{name}`\n"
        f"    `{name}_l` := `{name}_l` + 1\n"
        f'    emit `{name}`(`{name}`: `{name}_l`, k: "{text}")\n'
        f"    return `{name}_l`\n"
        f"stream `{name}_s` = `{name}` as `{name}_a`\n"
        f'    .where(`{name}` > 0 and s != "{text}")\n'
        f"    .emit(`{name}`: `{name}` + f(1), m: {{`{name}`: `{name}_a`.`{name}`}},"
        f' k: "{text}")\n'
    )


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_texts_never_change_the_code(name: str, text: str) -> None:
    plain = compile_program(program("plain", "text"))
    pipeline = compile_program(program(name, text))
    source = pipeline.explain_source()
    assert skeleton(source) == skeleton(plain.explain_source())
    assert source.isascii()
    reply = pipeline.inject(Event(name, {name: 5, "s": "other"}))
    (output,) = reply.outputs
    assert output.pop("event_type") == f"{name}_s"
    assert output.pop("k") is not None
    assert output == {name: 7, "m": {name: 5}}


@pytest.mark.parametrize("name", ['q"uote', "back\\slash", "new\tline", "\x01"])
def test_fields_that_no_struct_can_carry_still_work(name: str) -> None:
    source = f"stream S = In .emit(`{name}`, n: 1)\nstream D = S .emit(`{name}`)"
    pipeline = compile_program(source)
    reply = pipeline.inject(Event("In", {name: 5}))
    assert reply.outputs == [
        {"event_type": "S", name: 5, "n": 1},
        {"event_type": "D", name: 5},
    ]


def test_generated_code_has_no_builtins_but_a_few_classes() -> None:
    pipeline = compile_program("stream S = In .emit(a)")
    builtins: dict[str, Any] = pipeline._machine.compiled.values["__builtins__"]
    classes = {"float", "int", "str", "bool", "list", "dict", "range"}
    assert set(builtins) == classes | {"len", "min", "max"}


def test_lone_surrogates_are_replaced() -> None:
    assert sound_text("a\ud800b") == "a\ufffdb"
    assert sound_text("\ud83d\ude00") == "\U0001f600"


@pytest.mark.slow
def test_a_large_program_compiles() -> None:
    source = "\n".join(
        f"stream S{i} = T{i % 7} .where(v > {i}) .emit(v: v + {i})" for i in range(390)
    )
    pipeline = compile_program(source)
    reply = pipeline.inject(Event("T3", {"v": 100}))
    assert len(reply.outputs) == len([i for i in range(100) if i % 7 == 3])


def test_the_recursion_limit_of_python_is_only_ever_raised() -> None:
    before = sys.getrecursionlimit()
    compile_program("stream S = In .emit(a)")
    assert sys.getrecursionlimit() >= before


@pytest.mark.parametrize("follow", ["", "\nstream Q = R .emit(b: 1)"])
@pytest.mark.parametrize(
    "ops",
    [
        ".where(x > 0)" * (MAX_OPERATIONS - 1) + ".emit(a: 1)",
        ".process(f())" * MAX_PROCESSES + ".emit(a: 1)",
        (".where(x > 0)" * 7 + ".process(f())") * MAX_PROCESSES,
    ],
)
def test_the_longest_streams_compile_and_run(ops: str, follow: str) -> None:
    source = f"fn f(): emit T(x: 1)\nstream R = In {ops}{follow}"
    outputs = compile_program(source).inject(Event("In", {"x": 1})).outputs
    assert len(outputs) == (2 if follow else 1)


def test_long_chains_of_functions_and_many_streams_compile() -> None:
    lines = [f"stream S{i} = In{i} .emit(a: f{i}(x))" for i in range(500)]
    lines += [f"fn f{i}(x: int) -> int: f{i - 1}(x) + 1" for i in range(499, 0, -1)]
    source = "\n".join([*lines, "fn f0(x: int) -> int: x"])
    pipeline = compile_program(source)
    (output,) = pipeline.inject(Event("In150", {"x": 1})).outputs
    assert output == {"event_type": "S150", "a": 151}
