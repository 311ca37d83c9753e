"""What `explain` says about functions."""

import sys

import pytest

from engine import compile_program

PROGRAM = """
fn area(n: int) -> int:
    var s = 0
    for i in 0..n:
        s := s + i * i
    return s

fn label(n: int):
    for i in n:
        emit Row(text: "row")

fn half(v): v / 2

stream S = In .emit(a: area(n), h: half(n))
"""


def test_functions_stand_beside_the_streams() -> None:
    found = compile_program(PROGRAM).explain()["functions"]
    assert [function["name"] for function in found] == ["area", "label", "half"]
    assert found[0] == {"name": "area", "native": True}
    assert found[1] == {
        "name": "label",
        "native": False,
        "reason": "it uses a str",
        "line": 10,
        "column": 24,
    }
    assert found[2]["reason"].startswith("it has no loop")


def test_the_reason_names_the_import() -> None:
    lib = "fn far(n: int):\n    for i in n: [i]"
    pipeline = compile_program(
        'import "lib.vpl"\nstream S = In .emit(a: far(n))', imports={"lib.vpl": lib}
    )
    (function,) = pipeline.explain()["functions"]
    assert (function["file"], function["line"]) == ("lib.vpl", 2)


def test_without_llvmlite_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    first = compile_program(PROGRAM).explain()["functions"][0]
    assert not first["native"]
    assert "pip install llvmlite" in first["reason"]
