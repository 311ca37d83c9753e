"""The TextMate grammar is current and sees the same tokens as the lexer."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.conformance.cases import all_cases
from tests.unit.vpl.programs import ruffled_programs
from tests.unit.vpl.textmate import Highlighter
from vpl.catalog import AGGREGATES, BUILTINS, OPERATIONS
from vpl.lexer import tokenize
from vpl.tokens import RESERVED, Token

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "editors" / "grammar.py"
GRAMMAR = ROOT / "editors" / "vscode" / "syntaxes" / "vpl.tmLanguage.json"
HIGHLIGHTER = Highlighter(json.loads(GRAMMAR.read_text(encoding="utf-8")))
EXPECTED = {
    "str": r"string\.|constant\.character|invalid\.",
    "int": r"constant\.numeric\.(integer|hex)",
    "float": r"constant\.numeric\.float",
    "duration": r"constant\.numeric\.duration",
    "timestamp": r"constant\.other\.timestamp",
    "quoted": r"variable\.other\.quoted",
    **dict.fromkeys(RESERVED, r"keyword\.|storage\.|constant\.language"),
}
MEMBER = r"variable\.other\.member|keyword\.other\.operation"


def _expected(tokens: list[Token], at: int) -> str | None:
    """Return the scope that a token should have, None where it is free."""
    token = tokens[at]
    member = at > 0 and tokens[at - 1].kind in {".", "?."}
    if member and token.is_word and token.kind != "quoted":
        called = tokens[at + 1].kind == "(" and tokens[at - 1].kind == "."
        beside = tokens[at - 1].end_column == token.column
        operation = called and token.text in OPERATIONS
        return (
            (r"keyword\.other\.operation" if operation else MEMBER) if beside else None
        )
    if at > 0 and tokens[at - 1].text == "emit" and token.is_word:
        return None
    return EXPECTED.get(token.kind)


def _differences(source: str) -> list[tuple[str, str]]:
    """Return the tokens whose scope is not what the lexer says they are."""
    scopes = HIGHLIGHTER.scopes(source)
    tokens = tokenize(source).tokens
    wrong = []
    for at, token in enumerate(tokens):
        expected = _expected(tokens, at)
        if expected is None:
            continue
        line = scopes[token.line - 1][token.column - 1 : token.end_column - 1]
        bad = [scope for scope in line if not re.match(expected, scope)]
        if bad:
            wrong.append((token.text, bad[0]))
    return wrong


def _scope(source: str, word: str) -> str:
    """Return the scope of the first character of a word on the first line."""
    return HIGHLIGHTER.scopes(source)[0][source.index(word)].removesuffix(".vpl")


def test_the_word_lists_are_current() -> None:
    command = [sys.executable, str(SCRIPT), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_conformance_programs_and_examples_have_the_scopes_of_their_tokens() -> None:
    sources = [case["program"] for case in all_cases()]
    paths = (ROOT / "examples").rglob("*.vpl")
    sources += [path.read_text(encoding="utf-8") for path in paths]
    clean = [text for text in sources if not tokenize(text).diagnostics]
    assert len(clean) > 150
    assert [found for text in clean if (found := _differences(text))] == []


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ruffled_programs())
def test_random_programs_have_the_scopes_of_their_tokens(source: str) -> None:
    # Holes of templates may split a token for the lexer.
    if "{v}" not in source and "{ v }" not in source:
        assert _differences(source) == []


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_is_known(name: str) -> None:
    assert _scope(f"stream S = A .{name}(x)", f"{name}(") == "keyword.other.operation"


@pytest.mark.parametrize("name", sorted({*BUILTINS, *AGGREGATES}))
def test_every_function_is_known(name: str) -> None:
    # `merge` and `join` are sources too, and look the same everywhere.
    kind = "source" if name in {"merge", "join"} else "builtin"
    assert _scope(f"let x = {name}(y)", name) == f"support.function.{kind}"


@pytest.mark.parametrize(
    ("source", "word", "scope"),
    [
        ("# it's a stream", "stream", "comment.line.number-sign"),
        ("x // it's", "it", "comment.line.double-slash"),
        ("x /* let */ y", "let", "comment.block"),
        ("x /* let */ y", "y", "variable.other"),
        ("let x = 'it\\'s # no' + y", "no", "string.quoted.single"),
        ("let x = '\\q'", "\\q", "invalid.illegal.escape"),
        ("stream S = A", "stream", "storage.type.declaration"),
        ("let stream = 1", "stream", "variable.other"),
        ("fn area(x): x", "area", "entity.name.function"),
        ("fn f(): emit Out(x: 1)", "Out", "entity.name.type"),
        ("stream S = merge(A, B)", "merge", "support.function.source"),
        ("event E: x: int", "int", "support.type"),
        ("pattern P = SEQ(A, NOT B)", "NOT", "keyword.other.pattern"),
        ("stream S = A .emit as T(x)", "emit", "keyword.other.operation"),
        ("let x = notional", "notional", "variable.other"),
        ("let x = a.in", "in", "variable.other.member"),
    ],
)
def test_words_have_the_scope_of_their_place(
    source: str, word: str, scope: str
) -> None:
    assert _scope(source, word) == scope


def test_a_block_comment_goes_over_lines() -> None:
    scopes = HIGHLIGHTER.scopes("/* a\nlet b\n*/ let c")
    assert {*scopes[1]} == {"comment.block.vpl"}
    assert scopes[2][3] == "storage.type.vpl"


def test_a_reserved_word_is_no_name_of_a_declaration() -> None:
    source = "let x = a +\ncontext and b"
    assert _differences(source) == []
