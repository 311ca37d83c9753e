"""Line breaks and indentation: ends of statements, blocks, continuations."""

import pytest

from vpl.diagnostics import Diagnostic
from vpl.layout import Layout
from vpl.lexer import tokenize
from vpl.tokens import Token


def _lay_out(source: str) -> tuple[list[str], list[Diagnostic]]:
    findings: list[Diagnostic] = []
    layout = Layout(tokenize(source).tokens, findings)
    texts = []
    for token in _all_tokens(layout):
        synthetic = token.kind in {"newline", "indent", "dedent"}
        texts.append(f"<{token.kind}>" if synthetic else token.text)
    return texts, findings


def _all_tokens(layout: Layout) -> list[Token]:
    """Return what is left up to the end of the text."""
    tokens = layout.batch()
    while tokens[-1].kind != "eof":
        tokens += layout.batch()
    return tokens[:-1]


def _words(source: str) -> str:
    texts, findings = _lay_out(source)
    assert findings == []
    return " ".join(texts)


def test_a_newline_ends_a_statement() -> None:
    assert _words("a\nb") == "a <newline> b <newline>"


@pytest.mark.parametrize(
    "start",
    [
        *(".x", "-> x", "+ x", "* x", "/ x", "% x", "** x", "== x", "!= x", "< x"),
        *("<= x", "> x", ">= x", "& x", "| x", "^ x", "<< x", ">> x", "?? x", "?.x"),
        *(".. x", "..= x", "=> x", ":= x", "and x", "or x", "in x", "not in x"),
        *("is x", "as x", "where x", "then x"),
    ],
)
def test_a_line_that_cannot_start_a_statement_continues(start: str) -> None:
    assert "<newline> x" not in _words(f"a\n{start}")
    assert _words(f"a\n{start}").count("<newline>") == 1


@pytest.mark.parametrize("start", ["-x", "(x)", "[x]", "not x", "x"])
def test_other_lines_at_the_same_column_are_new_statements(start: str) -> None:
    assert _words(f"a\n{start}").count("<newline>") == 2


@pytest.mark.parametrize("start", ["-x", "(x)", "[x]", "else x", "x"])
def test_deeper_lines_continue(start: str) -> None:
    assert _words(f"a\n  {start}").count("<newline>") == 1


@pytest.mark.parametrize("end", ["+", "-", "=", ":=", "->", "=>", ",", "and", "??"])
def test_a_line_left_open_goes_on(end: str) -> None:
    assert _words(f"a {end}\nb").count("<newline>") == 1


def test_comments_and_blank_lines_end_nothing() -> None:
    source = "a # x\n\n   // y\n .b\n/* z\n*/\nc"
    assert _words(source) == "a . b <newline> c <newline>"


def test_brackets_ignore_line_breaks() -> None:
    assert _words("f(\na,\n   b\n)\nc") == "f ( a , b ) <newline> c <newline>"


def test_a_colon_opens_a_block() -> None:
    source = "f:  # why\n    a\n    b\nc"
    assert _words(source) == (
        "f : <newline> <indent> a <newline> b <newline> <dedent> c <newline>"
    )


def test_blocks_end_with_the_program() -> None:
    assert _words("f:\n  g:\n    a").endswith("a <newline> <dedent> <dedent>")


def test_statements_in_a_block_continue_by_their_own_indentation() -> None:
    assert _words("f:\n    k\n        - 3\n    -k") == (
        "f : <newline> <indent> k - 3 <newline> - k <newline> <dedent>"
    )


def test_a_postfix_plus_ends_a_pattern() -> None:
    assert _words("pattern P = A+\nb").count("<newline>") == 2
    assert _words("type T = Stream<int>\nb").count("<newline>") == 2
    assert _words("a >\nb").count("<newline>") == 1


def test_lambda_blocks_have_lines_and_maps_have_none() -> None:
    assert _words("f(x => {\n a\n b\n})") == (
        "f ( x => { a <newline> b <newline> } ) <newline>"
    )
    assert _words("f(x => {\n a: 1,\n b: 2\n})").count("<newline>") == 1
    assert _words("f({\n a\n b\n})").count("<newline>") == 1


def test_blocks_work_inside_lambda_blocks() -> None:
    source = "f(x => { if a:\n        b\n    c })"
    texts, _ = _lay_out(source)
    assert texts.count("<indent>") == texts.count("<dedent>") == 1


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("f:\n  g:\n      a\n    b\n", 4),
        ("f:\n    a\n  b\n", 3),
        ("f:\n\ta\n    b\n", 3),
        ("f:\n \ta\n", 2),
        ("a;\n   b", 2),
    ],
)
def test_uneven_blocks_are_e104(source: str, line: int) -> None:
    _, findings = _lay_out(source)
    assert [(item.code, item.span.line) for item in findings][:1] == [("E104", line)]


def test_mixed_indentation_is_reported_once() -> None:
    _, findings = _lay_out("f:\n\ta\ng:\n    b\nh:\n    c\n")
    assert len(findings) == 1


def test_an_indented_program_is_no_error() -> None:
    assert _words("  a\n  b\n") == "a <newline> b <newline>"


def test_stray_closing_brackets_are_passed_on() -> None:
    assert _words(")a]\nb") == ") a ] <newline> b <newline>"


def test_it_can_start_anew_inside_an_open_bracket() -> None:
    findings: list[Diagnostic] = []
    layout = Layout(tokenize("f(a\nb\nc").tokens, findings)
    layout.batch()
    layout.restart(3, seen=0)
    kinds = [token.kind for token in _all_tokens(layout)]
    assert kinds == ["name", "newline", "name", "newline"]


def test_findings_of_tokens_that_nobody_has_taken_are_dropped() -> None:
    findings: list[Diagnostic] = []
    layout = Layout(tokenize("f:\n    a\n  b\nc").tokens, findings)
    layout.batch()
    layout.restart(4, seen=1)
    assert [token.text for token in _all_tokens(layout)] == ["c", ""]
    assert findings == []


@pytest.mark.parametrize("member", [".or", "?.not", ".in"])
def test_a_member_called_like_an_operator_leaves_nothing_open(member: str) -> None:
    assert _words(f"a{member}\nb").count("<newline>") == 2
