"""Definitions, references and renaming."""

import pytest

import vpl
from engine.lsp.document import Document
from engine.lsp.navigation import RenameError, definitions, references, rename
from tests.unit.engine.lsp.marked import marked


def _defined(text: str) -> list[tuple[int, int]]:
    document, place = marked(text)
    return [(span.line, span.column) for span in definitions(document, place)]


def _used(text: str) -> list[tuple[int, int]]:
    document, place = marked(text)
    spans = references(document, place, declared=True)
    return sorted((span.line, span.column) for span in spans)


def _renamed(text: str, name: str) -> str:
    """Return the program after renaming what stands at the mark."""
    document, place = marked(text)
    lines = document.source.split("\n")
    for edit in sorted(rename(document, place, name), key=lambda it: it.span)[::-1]:
        line = lines[edit.span.line - 1]
        start, end = edit.span.column - 1, edit.span.end_column - 1
        lines[edit.span.line - 1] = line[:start] + edit.text + line[end:]
    return "\n".join(lines)


def test_a_source_leads_to_its_event_and_its_stream() -> None:
    assert _defined("event A: x: int\nstream S = |A .emit(x)") == [(1, 7)]
    assert _defined("stream S = A .emit(x)\nstream T = S| .emit(x)") == [(1, 8)]
    assert _defined("event S: x: int\nstream S = A\nstream T = |S") == [(1, 7), (2, 8)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("fn f(a): a\nstream S = A .emit(x: |f(1))", (1, 4)),
        ("let top = 1\nstream S = A .where(x > to|p)", (1, 5)),
        ("connector C = console ()\nstream S = A .to(|C)", (1, 11)),
        ("context c\nstream S = A .context(|c)", (1, 9)),
        ("pattern P = SEQ(A, B)\nstream S = |P", (1, 9)),
        ("type T = int\nevent E: x: |T", (1, 6)),
        ("event A: x: int\nevent B extends |A", (1, 7)),
        ("event A: x: int\nfn f(): emit |A(x: 1)", (1, 7)),
        ("event A: x: int\nstream S = B .emit as |A(x: 1)", (1, 7)),
        ("fn f(a, b): a + |b", (1, 9)),
        ("fn f():\n    for i in 0..3: emit A(i: |i)", (2, 9)),
        ("fn f():\n    for k, v in m: emit A(i: |v)", (2, 12)),
        ("stream S = A as a -> B where x == |a.x", (1, 17)),
        ("stream S = sequence(a: A, b: B) .emit(x: |b.x)", (1, 27)),
        ("stream S = merge(stream q = A.where(x), B) .emit(x: |q.x)", (1, 25)),
        ("pattern P = SEQ(A as a, B where x > |a.x)", (1, 22)),
        ("let f = (x, y) => x + |y", (1, 13)),
    ],
)
def test_names_lead_to_their_declaration(text: str, place: tuple[int, int]) -> None:
    assert _defined(text) == [place]


def test_locals_hide_globals() -> None:
    text = "let n = 1\nfn f(n): |n\nfn g(): n"
    assert _defined(text) == [(2, 6)]
    assert _used(text) == [(2, 6), (2, 10)]


def test_parameters_of_a_lambda_are_its_own() -> None:
    text = "let x = 1\nstream S = A .map(|x => x + 1) .where(x > 2)"
    assert _used(text) == [(2, 19), (2, 24)]


def test_names_in_imports_are_found_there() -> None:
    source = 'import "lib.vpl"\nstream S = A .emit(x: twice(x))\n'
    document = Document(source, {"lib.vpl": "fn twice(n): n * 2\n"}.get, "main.vpl")
    at = marked(source.replace("twice", "|twice"))[1]
    (span,) = definitions(document, at)
    assert (span.file, span.line, span.column) == ("lib.vpl", 1, 4)
    with pytest.raises(RenameError, match="another file"):
        rename(document, at, "double")


def test_renaming_changes_all_uses_but_no_texts_or_comments() -> None:
    text = """
        # limit is here
        let |limit = 3
        stream S = A .where(x > limit) .emit(limit: limit, t: "limit")
        fn f(limit): limit
        """
    assert _renamed(text, "top") == (
        "# limit is here\n"
        "let top = 3\n"
        'stream S = A .where(x > top) .emit(limit: top, t: "limit")\n'
        "fn f(limit): limit\n"
    )


def test_renaming_keeps_the_name_of_a_field_given_by_a_bare_argument() -> None:
    text = "var |n = 1\nstream S = A .emit(n, m)"
    assert _renamed(text, "k") == "var k = 1\nstream S = A .emit(n: k, m)"


def test_renaming_a_stream_renames_it_as_a_source() -> None:
    text = "stream |Hot = A .emit(x)\nstream B = Hot .not(Hot) .emit(x: Hot.x)"
    assert _renamed(text, "Warm") == (
        "stream Warm = A .emit(x)\nstream B = Warm .not(Warm) .emit(x: Warm.x)"
    )


def test_names_that_need_backquotes_get_them() -> None:
    assert _renamed("let |a = 1\nlet b = a", "in") == "let `in` = 1\nlet b = `in`"
    assert _renamed("let |`a b` = 1\nlet b = `a b`", "c") == "let c = 1\nlet b = c"


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("stream S = |A", "B", "not declared"),
        ("let |a = 1\nlet b = 2", "b", "already used"),
        ("let |a = 1", "x`y", "backquote"),
        ("let |a = 1", " ", "at least one"),
        ("let a = |1", "b", "no name"),
        ("let a = '|a'", "b", "no name"),
        ("stream S = A .emit(x: |field)", "b", "no name"),
        ("for v in 0..2:\n    stream La|ne{v} = A", "b", "no name"),
    ],
)
def test_what_cannot_be_renamed_says_why(text: str, name: str, reason: str) -> None:
    with pytest.raises(RenameError, match=reason):
        _renamed(text, name)


def test_what_a_generator_repeats_is_changed_once() -> None:
    text = """
        let |top = 1
        for v in 0..3:
            stream L{v} = A as a .where(a.x > top) .emit(x: a.x)
        """
    assert _renamed(text, "most") == (
        "let most = 1\n"
        "for v in 0..3:\n"
        "    stream L{v} = A as a .where(a.x > most) .emit(x: a.x)\n"
    )
    inside = text.replace("|", "").replace("as a", "as |a")
    assert "A as b .where(b.x > top) .emit(x: b.x)" in _renamed(inside, "b")


def test_a_renamed_program_still_parses() -> None:
    text = """
        event |Login: user: str
        pattern P = SEQ(Login as a, NOT Login, Login) within 5m
        stream S = merge(Login, stream x = Login.where(user == "a")) .emit()
        stream T = Login as l -> all Login as m .not(Login) .emit(u: l.user)
        fn f(): emit Login(user: "x")
        """
    result = _renamed(text, "SignIn")
    assert "Login" not in result
    assert vpl.parse(result).diagnostics == ()
