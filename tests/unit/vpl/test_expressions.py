"""Precedence, grouping and forms of expressions (vpl.md 4.1)."""

import pytest

import vpl
from tests.unit.vpl.shorthand import codes, expression, short
from vpl import nodes


@pytest.mark.parametrize(
    ("source", "grouped"),
    [
        ("1 + a * 3 - b % 4", "((1 + (a * 3)) - (b % 4))"),
        ("a - b - c", "((a - b) - c)"),
        ("2 ** 3 ** 2", "(2 ** (3 ** 2))"),
        ("-2 ** 2", "((- 2) ** 2)"),
        ("2 ** -1", "(2 ** (- 1))"),
        ("a * b ** c * d", "((a * (b ** c)) * d)"),
        ("1 << 4 + 1", "(1 << (4 + 1))"),
        ("6 & 3 | 8 ^ 1", "((6 & 3) | (8 ^ 1))"),
        ("1 | 6 & 4", "(1 | (6 & 4))"),
        ("level ?? 0 > 5", "((level ?? 0) > 5)"),
        ("a ?? b ?? 9", "(a ?? (b ?? 9))"),
        ("a ?? b | c", "(a ?? (b | c))"),
        ("not x == 2", "(not (x == 2))"),
        ("not not a and b", "((not (not a)) and b)"),
        ("a or b and c or d", "((a or (b and c)) or d)"),
        ("a and not b or c", "((a and (not b)) or c)"),
        ("a not in xs and b", "((a not in xs) and b)"),
        ("a is not null and b is int", "((a is not null) and (b is int))"),
        ("a + 1 is number or b", "(((a + 1) is number) or b)"),
        ("0..n * 2", "(0 .. (n * 2))"),
        ("1..=a or b", "(1 ..= (a or b))"),
        ("- - ~a", "(- (- (~ a)))"),
        ("-a.b", "(- a.b)"),
        ("a.b.c[0].d", "a.b.c[0].d"),
        ("m?.x?.y ?? 1", "(m?.x?.y ?? 1)"),
        ("f(a)(b)", "f(a)(b)"),
        ("x.f(1).g()", "g(f(x, 1))"),
        ("5.to_string()", "to_string(5)"),
        (
            "if a then b else if c then d else e",
            "(if a then b else (if c then d else e))",
        ),
        ("if a then b else c + 1", "(if a then b else (c + 1))"),
        ("x => x * 2", "(x => (x * 2))"),
        ("(a, b) => a + b", "(a b => (a + b))"),
        ("() => 1", "( => 1)"),
        ("x => y => x", "(x => (y => x))"),
        ("(a)", "a"),
        ("[1, [2, 3,],]", "[1, [2, 3]]"),
        ("{}", "{}"),
        ('{a: 1, "b c": 2, in: 3,}', "{a: 1, b c: 2, in: 3}"),
        ("x => {a: 1}", "(x => {a: 1})"),
        ("x => {}", "(x => {})"),
        ("x => { let d = x; d + 1 }", "(x => VarDecl; (d + 1))"),
        ("x => { let d = x }", "(x => VarDecl; )"),
        ("a.in.where", "a.in.where"),
        ("`in` + `a b`", "(in + a b)"),
        ("true or null", "(True or null)"),
    ],
)
def test_operators_group_by_precedence(source: str, grouped: str) -> None:
    assert short(expression(source)) == grouped


def test_slices_may_miss_either_end() -> None:
    assert [
        short(expression(f"s{part}")) for part in ("[1:3]", "[:2]", "[2:]", "[:]")
    ] == [
        *("s[1:3]", "s[:2]", "s[2:]", "s[:]"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "1 < v < 5",
        "a == b != c",
        "a in b in c",
        "a is int == b",
        "a == b is int",
        "a is int is int",
        "a < b not in c",
    ],
)
def test_chained_comparisons_are_e106(source: str) -> None:
    assert codes(f"let it = {source}") == [("E106", 1)]


@pytest.mark.parametrize(
    "source",
    [
        "a == not b",
        "1 + if a then b else c",
        "a +",
        "(a",
        "f(a",
        "[1",
        "{a: }",
        "a..b..c",
        "a is foo",
        "f(x: 1)",
        "a . 3",
        "* 3",
        "()",
        "a is int + 3",
        "x => { let }",
    ],
)
def test_broken_expressions_have_one_finding(source: str) -> None:
    assert len(codes(f"let it = {source}")) == 1


@pytest.mark.parametrize("word", ["in", "where", "as", "let"])
def test_a_reserved_word_as_operand_is_e105(word: str) -> None:
    (finding,) = vpl.parse(f"let it = 1 + {word}").diagnostics
    assert finding.code == "E105"
    assert finding.hint is not None
    assert f"`{word}`" in finding.hint


def test_an_open_bracket_is_reported_where_it_opens() -> None:
    (finding,) = vpl.parse("let a = (1 + f(2\nlet b = 3\n").diagnostics
    assert (finding.code, finding.span.line, finding.span.column) == ("E101", 1, 15)


def test_spans_cover_the_expression() -> None:
    node = expression("a + b * f(c)")
    assert isinstance(node, nodes.Binary)
    assert (node.span.column, node.span.end_column) == (10, 22)
    assert (node.right.span.column, node.right.span.end_column) == (14, 22)


def test_a_method_call_knows_that_it_is_one() -> None:
    node = expression("xs.map(x => x)")
    assert isinstance(node, nodes.Call)
    assert node.method


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("(" * 100 + "1" + ")" * 100, None),
        ("(" * 101 + "1" + ")" * 101, "E107"),
        ("[" * 101 + "]" * 101, "E107"),
        ("1" + " + 1" * 100, None),
        ("1" + " + 1" * 1000, "E107"),
        ("- " * 1000 + "1", "E107"),
        ("not " * 1000 + "1", "E107"),
        ("a" + ".b" * 1000, "E107"),
        ("a => " * 1000 + "1", "E107"),
        ("if " * 1000 + "1", "E107"),
        ("2 ** " * 1000 + "1", "E107"),
        ("if a then b else " * 1000 + "1", "E107"),
    ],
)
def test_height_is_bounded(source: str, code: str | None) -> None:
    assert [found for found, _ in codes(f"let it = {source}")] == (
        [code] if code else []
    )


def test_mixed_operators_in_deep_brackets_do_not_exhaust_the_stack() -> None:
    part = "1 or 1 and 1 == 1 ?? 1 | 1 ^ 1 & 1 << 1 + 1 * 1 ** ("
    source = part * 100 + "1" + ")" * 100
    assert {found for found, _ in codes(f"let it = {source}")} <= {"E107"}


def test_a_kind_test_ends_where_a_looser_operator_follows() -> None:
    tree = short(expression("a or b is int and c + d is str"))
    assert tree == "(a or ((b is int) and ((c + d) is str)))"
