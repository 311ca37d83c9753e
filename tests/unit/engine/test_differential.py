"""The compiler against an evaluator that was written apart from it."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vpl
from engine import Event, compile_program
from tests.unit.engine.evaluator import evaluate, finite
from vpl import nodes

# the first program raises Python's recursion limit, which hypothesis watches
compile_program("stream R = In .emit(r: 1)")

NAMES = ("a", "b", "c")
INTS = st.one_of(st.integers(-9, 9), st.sampled_from([2**62, 2**63 - 1, -(2**63) + 1]))
FLOATS = st.sampled_from([0.0, 0.5, -1.5, 2.0, 3.25, 1e200, -1e308])
TEXTS = st.sampled_from(["", "a", "ab", 'q"\\', "é"])
SIMPLE = st.one_of(st.none(), st.booleans(), INTS, FLOATS, TEXTS)
VALUES = st.one_of(SIMPLE, st.lists(SIMPLE, max_size=3))
BINARY = ["+", "-", "*", "/", "%", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="]
BINARY += ["in", "not in", "and", "or", "??"]


def literal(value: Any) -> str:
    """Return a value as VPL text."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"({value!r})" if value < 0 else repr(value)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, st.sampled_from(BINARY), inner)
    kinds = st.sampled_from(["int", "null", "number", "str", "bool", "array"])
    return st.one_of(
        binary.map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(st.sampled_from(["-", "~", "not "]), inner).map(
            lambda parts: f"({parts[0]}{parts[1]})"
        ),
        st.tuples(inner, inner, inner).map(
            lambda parts: f"(if {parts[0]} then {parts[1]} else {parts[2]})"
        ),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, kinds).map(lambda parts: f"({parts[0]} is {parts[1]})"),
    )


ATOMS = st.one_of(st.sampled_from(NAMES), SIMPLE.map(literal))
EXPRESSIONS = st.recursive(ATOMS, combined, max_leaves=8)


def is_same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        same_kind = isinstance(got, list) and len(got) == len(wanted)
        return same_kind and all(map(is_same, got, wanted))
    if isinstance(wanted, float) and isinstance(got, float):
        return got == wanted or (math.isnan(got) and math.isnan(wanted))
    return type(got) is type(wanted) and bool(got == wanted)


def parsed(expression: str) -> nodes.Expr | None:
    """Return the tree of an expression, None if the checker refuses it."""
    checked = vpl.check(f"stream R = In .emit(r: {expression})")
    if not checked.valid:
        return None
    (stream,) = checked.program.body
    assert isinstance(stream, nodes.StreamDecl)
    (op,) = stream.ops
    assert isinstance(op, nodes.Operation)
    return op.args[0].value


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)))
def test_an_expression_has_the_value_the_rules_give(
    expression: str, fields: dict[str, Any]
) -> None:
    tree = parsed(expression)
    if tree is None:
        return
    wanted = finite(evaluate(tree, fields))
    pipeline = compile_program(f"stream R = In .emit(r: {expression})")
    (output,) = pipeline.inject(Event("In", fields)).outputs
    assert is_same(output.get("r"), wanted), (output.get("r"), wanted)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)))
def test_a_condition_holds_exactly_when_the_rules_say_true(
    expression: str, fields: dict[str, Any]
) -> None:
    tree = parsed(expression)
    source = f"stream R = In .where({expression}) .emit(r: 1)"
    if tree is None or not vpl.check(source).valid:
        return
    passed = bool(compile_program(source).inject(Event("In", fields)).outputs)
    assert passed is (evaluate(tree, fields) is True)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["i", "j", "f", "1", "2.5", "-3"]),
        lambda inner: st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "%", "&"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        max_leaves=8,
    ),
    st.tuples(INTS, INTS, FLOATS),
)
def test_the_exact_form_of_a_function_means_the_same(
    expression: str, args: tuple[int, int, float]
) -> None:
    """Typed parameters allow the exact form, untyped ones do not."""
    body = f"let k = {expression}; return k"
    source = (
        f"fn exact(i: int, j: int, f: float): {body}\n"
        f"fn general(i, j, f): {body}\n"
        "stream R = In .emit(e: exact(i, j, f), g: general(i, j, f))"
    )
    if not vpl.check(source).valid:
        return
    fields = dict(zip(("i", "j", "f"), args, strict=True))
    (output,) = compile_program(source).inject(Event("In", fields)).outputs
    assert is_same(output.get("e"), output.get("g"))
