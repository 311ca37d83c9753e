"""Operators, null and names in expressions."""

import math

import pytest

from tests.unit.engine.programs import errors_of, value_of, values_of

BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a + 2", 9),
        ("a + 0.5", 7.5),
        ('s + "!"', "hi!"),
        ("xs + [3]", [1, 2, 3]),
        ("a / 2", 3),
        ("-a / 2", -3),
        ("a / 2.0", 3.5),
        ("-a % 4", -3),
        ("a % -4", 3),
        ("-7.5 % 2", -1.5),
        ("2 ** a", 128),
        ("2 ** -1", 0.5),
        ("2.0 ** 3", 8.0),
        ("-2 ** 2", 4),
        ("2 ** 3 ** 2", 512),
        ("6 & 3 | 8", 10),
        ("~a", -8),
        ("1 << 4", 16),
        ("-16 >> 2", -4),
        ("a == 7.0", True),
        ("[1, [2.0]] == [1.0, [2]]", True),
        ("{p: 1, q: 2} == {q: 2, p: 1.0}", True),
        ("[true] == [1]", False),
        ("true == 1", False),
        ('a == "7"', False),
        ("7 in xs", False),
        ("2.0 in xs", True),
        ('"k" in m', True),
        ('"i" in s', True),
        ('"z" not in m', True),
        ("a > 6 and a < 8", True),
        ("not (a > 6)", False),
        ("xs[-1]", 2),
        ("xs[0:1]", [1]),
        ("s[1:]", "i"),
        ("xs[:99]", [1, 2]),
        ("m.k.deep[0]", 5),
        ('m["k"]["deep"]', [5]),
        ("m?.k?.nope?.more", None),
        ("1..4", [1, 2, 3]),
        ("1..=4", [1, 2, 3, 4]),
        ("4..1", []),
        ("if a > 3 then 1 else 2", 1),
        ("if zap then 1 else 2", 2),
        ("zap ?? s", "hi"),
        ("1h30m == 90m", True),
        ("1h - 30m == 30m", True),
        ("2 * 3s", 6_000_000_000),
        ("3s / 2", 1_500_000_000),
        ("3s / 2s", 1.5),
        ("@2026-03-01 + 1d", "2026-03-02T00:00:00Z"),
        ("@2026-03-02 - @2026-03-01 == 1d", True),
        ("@2026-03-02 > @2026-03-01", True),
        ('"b" > "a"', True),
        ("a is int and s is str and xs is array and m is map", True),
        ("1.0 is number", True),
        ("zap is not null", False),
        ("5 is null", False),
        ("5 == null", False),
        ("(0 & 0) is null", False),
        ("null != 2 + 3", True),
        ("null == null", True),
        ("zap is int", False),
    ],
)
def test_an_expression_has_its_value(expression: str, wanted: object) -> None:
    fields = {"a": 7, "s": "hi", "xs": [1, 2], "m": {"k": {"deep": [5]}}}
    got = value_of(expression, fields)
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a / 0", "zero_division"),
        ("a % 0", "zero_division"),
        ("1.5 / 0", "zero_division"),
        ("big + 1", "overflow"),
        ("-big - 2", "overflow"),
        ("big * 2", "overflow"),
        ("2 ** 64", "overflow"),
        ("1 << 63", "overflow"),
        ("1 << 64", "argument"),
        ('a + "x"', "kind"),
        ('a < "x"', "kind"),
        ("true + 1", "kind"),
        ("a and true", "kind"),
        ("a.b", "kind"),
        ("a[0]", "kind"),
        ("1e308 * 10.0", "overflow"),
        ("x => x", "kind"),
    ],
)
def test_an_error_is_null_and_counted(expression: str, reason: str) -> None:
    fields = {"a": 7, "big": BIG}
    assert value_of(expression, fields) is None
    assert errors_of(expression, fields) == {reason: 1}


@pytest.mark.parametrize(
    "expression",
    ["zap + 1", "1 - zap", "zap < 3", "-zap", "zap[0]", "zap.b", "xs[9]", "m.zap"],
)
def test_a_null_operand_is_not_counted(expression: str) -> None:
    fields = {"xs": [1], "m": {}}
    assert value_of(expression, fields) is None
    assert errors_of(expression, fields) == {}


def test_infinities_live_inside_an_expression_only() -> None:
    assert values_of("a: 1e308 * 10.0 > 5.0, b: [1e308 * 10.0]") == {
        "a": True,
        "b": [None],
    }


def test_ints_and_floats_survive_as_they_are() -> None:
    fields = {"a": 250.0, "b": BIG, "c": -(2**63), "d": 0.1, "e": 1e300}
    got = values_of("a, b, c, d, e", fields)
    assert got == fields
    assert [type(value) for value in got.values()] == [float, int, int, float, float]


def test_an_int_beyond_64_bits_becomes_a_float() -> None:
    assert value_of("a", {"a": 2**63}) == float(2**63)


def test_a_field_shadows_a_global_only_where_it_is_there() -> None:
    more = "let cap = 10\nvar level = 1"
    assert values_of("cap, level", {}, more) == {"cap": 10, "level": 1}
    assert values_of("cap, level", {"cap": 5, "level": None}, more) == {
        "cap": 5,
        "level": 1,
    }


def test_a_joined_field_answers_for_a_member() -> None:
    assert value_of("order.id", {"order_id": 9}) == 9
    assert value_of("order.id", {"order": {"id": 1}, "order_id": 9}) == 1
    assert value_of("order.id", {"order": {"x": 1}}) is None


def test_a_global_map_answers_for_a_member() -> None:
    assert value_of("conf.top", {}, "let conf = {top: 3}") == 3


def test_a_long_chain_needs_no_deep_nesting() -> None:
    chain = " + ".join(["a"] * 140)
    assert value_of(chain, {"a": 1}) == 140
    nested = "(" * 90 + "a" + " + 1)" * 90
    assert value_of(nested, {"a": 1}) == 91


def test_a_long_chain_in_a_function_sees_its_locals() -> None:
    chain = " + ".join(["k"] * 60)
    more = f"fn f(k):\n    let j = {chain}\n    return j + k"
    assert value_of("f(2)", {}, more) == 122


def test_the_right_side_is_evaluated_only_when_needed() -> None:
    more = "var n = 0\nfn hit(): n := n + 1; return true"
    source = "a: false and hit(), b: true or hit(), c: 1 ?? hit(), d: n"
    assert values_of(source, {}, more)["d"] == 0


def test_null_and_a_call_evaluates_the_call_in_conditions_too() -> None:
    more = "var n = 0\nfn hit(): n := n + 1; return false"
    got = values_of("a: if zap and hit() then 1 else 2, b: n", {}, more)
    assert got == {"a": 2, "b": 1}


def test_negative_zero_and_nan_do_not_break_comparisons() -> None:
    assert value_of("(-1.0) ** 0.5 == (-1.0) ** 0.5") is False
    assert math.copysign(1.0, value_of("-z", {"z": 0.0})) == -1.0


def test_globals_hold_lambdas_but_no_infinities() -> None:
    more = "let big = 1e308 * 10.0\nlet dbl = x => x * 2\nvar copy = dbl"
    assert values_of("a: big is null, b: dbl(2), c: copy(3)", {}, more) == {
        "a": True,
        "b": 4,
        "c": 6,
    }
