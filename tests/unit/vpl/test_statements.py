"""Functions, blocks and statements."""

import pytest

import vpl
from tests.unit.vpl.shorthand import codes, only, short
from vpl import nodes


def _body(source: str) -> tuple[nodes.Stmt, ...]:
    return only(source, nodes.FnDecl).body


def test_a_function_has_parameters_types_and_a_body() -> None:
    function = only("fn f(a: int, b, c: [str]?) -> float:\n    a\n", nodes.FnDecl)
    assert [param.name for param in function.params] == ["a", "b", "c"]
    assert function.params[2].type == nodes.TypeRef(
        "array", (nodes.TypeRef("str"),), optional=True
    )
    assert function.result == nodes.TypeRef("float")


def test_bodies_may_stand_on_the_line_of_the_opener() -> None:
    body = _body("fn f(n): let r = n * 2; r := r + 1; return r\n")
    assert [type(item) for item in body] == [nodes.VarDecl, nodes.Assign, nodes.Return]


def test_a_compound_statement_may_end_an_inline_body() -> None:
    (loop,) = _body("fn f(n): for i in 0..n: if i > 3:\n    emit Out(i: i)\n")
    assert isinstance(loop, nodes.ForStmt)
    (branch,) = loop.body
    assert isinstance(branch, nodes.IfStmt)


@pytest.mark.parametrize(
    "source",
    [
        "fn f(x):\n    if x: return 1\n    elif y: return 2\n    else: return 3\n",
        (
            "fn f(x):\n    if x:\n        return 1\n    elif y:\n        return 2\n"
            "    else:\n        return 3\n"
        ),
        "fn f(x):\n    if x: return 1 elif y: return 2 else: return 3\n",
        "fn f(x):\n    if x: return 1\n      elif y: return 2\n      else: return 3\n",
    ],
)
def test_branches_may_be_laid_out_in_any_way(source: str) -> None:
    (statement,) = _body(source)
    assert isinstance(statement, nodes.IfStmt)
    assert [short(test) for test, _ in statement.branches] == ["x", "y"]
    assert len(statement.orelse) == 1


def test_else_belongs_to_the_if_of_its_column() -> None:
    (outer,) = _body("fn f():\n    if a:\n        if b: 1\n    else: 2\n")
    assert isinstance(outer, nodes.IfStmt)
    assert len(outer.orelse) == 1


def test_then_makes_an_if_expression_of_a_statement() -> None:
    (statement,) = _body("fn f(x):\n    if x > 1 then 2 else 3\n")
    assert isinstance(statement, nodes.ExprStmt)
    assert short(statement.value) == "(if (x > 1) then 2 else 3)"


def test_loops_have_one_or_two_variables() -> None:
    body = _body("fn f(m):\n    for k, v in m: k\n    for x in 0..3:\n        break\n")
    assert [(loop.variable, loop.second) for loop in body] == [("k", "v"), ("x", None)]


def test_emit_is_a_statement_only_before_a_name_and_a_bracket() -> None:
    body = _body(
        "fn f():\n    emit T(a: 1)\n    emit := 3\n    emit + 1\n    emit(2)\n"
    )
    kinds = [type(item) for item in body]
    assert kinds == [nodes.EmitStmt, nodes.Assign, nodes.ExprStmt, nodes.ExprStmt]


def test_return_may_have_no_value() -> None:
    (statement,) = _body("fn f(): return; 1\n")[:1]
    assert statement == nodes.Return(None)


def test_deeper_indented_lines_continue_a_statement() -> None:
    body = _body("fn f(n):\n    let k = n\n        - 3\n    k * 2\n    -k\n")
    assert len(body) == 3


def test_text_after_a_statement_is_e108_and_the_block_goes_on() -> None:
    source = "fn f():\n    let a = 1 2\n    let b = 3 4\n    return a\nlet c = 5\n"
    assert codes(source) == [("E108", 2), ("E108", 3)]
    assert len(vpl.parse(source).program.body) == 2


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("fn f():\nlet a = 1\n", "E104"),
        ("fn f():", "E104"),
        ("fn f(): if x:\nlet a = 1\n", "E104"),
        ("fn while(): 1\n", "E105"),
        ("fn f(for): 1\n", "E105"),
        ("fn f(): x = 3\n", "E108"),
        ("fn f() 1\n", "E101"),
        ("fn f(): for in xs: 1\n", "E105"),
        ("print(1)\n", "E110"),
        ("if x: y\n", "E110"),
        ("emit T(a: 1)\n", "E110"),
        ("return 1\n", "E110"),
        ("x = 3\n", "E101"),
    ],
)
def test_misplaced_and_broken_statements(source: str, code: str) -> None:
    assert [found for found, _ in codes(source)] == [code]


def test_a_mistyped_declaration_gets_a_suggestion() -> None:
    (finding,) = vpl.parse("strem S = In .emit()\n").diagnostics
    assert finding.hint == "did you mean 'stream'?"


def _nested(opener: str, depth: int) -> str:
    lines = [" " * at + opener for at in range(1, depth + 1)]
    return "fn f():\n" + "\n".join(lines) + "\n" + " " * (depth + 1) + "1\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (_nested("if x:", 100), []),
        (_nested("if x:", 130), ["E107"]),
        (_nested("while x:", 16), []),
        (_nested("while x:", 17), ["E107"]),
        ("fn f(): " + "if x: " * 3000 + "1", ["E107"]),
    ],
)
def test_blocks_nest_only_so_deep(source: str, expected: list[str]) -> None:
    assert [found for found, _ in codes(source)] == expected


def test_lambda_blocks_hold_statements_on_lines_of_their_own() -> None:
    source = """fn f(xs):
    xs.map(e => {
        let d = e.v
        if d > 3:
            return 1
        d * 2
    })
"""
    (statement,) = _body(source)
    assert isinstance(statement, nodes.ExprStmt)
    call = statement.value
    assert isinstance(call, nodes.Call)
    assert short(call.args[1]) == "(e => VarDecl; IfStmt; (d * 2))"
