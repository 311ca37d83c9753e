"""What the server tells about names, declarations and findings."""

import pytest

from engine.lsp.document import Document
from engine.lsp.hover import hover
from engine.lsp.outline import entries, findings
from tests.unit.engine.lsp.marked import marked


def _hover(text: str) -> str:
    found = hover(*marked(text))
    return "" if found is None else found[0]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("stream S = A .whe|re(x)", "where(condition)"),
        ("stream S = A .emit| as T(x)", "emit(a, b: value, ..)"),
        ("stream S = A .window(3) .aggregate(n: su|m(x))", "0.0 without values"),
        ("stream S = A .emit(n: su|m(xs))", "sum(array)"),
        ("stream S = A .emit(n: xs.fir|st())", "first(array)"),
        ("event A: x: int\nstream S = |A", "event A: x: int"),
        ("fn f(a) -> int:\n    a\nlet x = |f(1)", "fn f(a) -> int:"),
        ("let top = 5\nstream S = A .where(x > t|op)", "let top = 5"),
        ("connector C = console ()\nstream S = A .to(|C)", "connector C = console ()"),
        ("stream S = A as a .emit(x: |a.x)", "alias"),
        ("stream S = |A", "not declared"),
    ],
)
def test_hover_tells_what_a_name_means(text: str, part: str) -> None:
    assert part in _hover(text)


def test_a_function_of_the_program_hides_a_builtin() -> None:
    assert "fn sum(a)" in _hover("fn sum(a): a\nlet x = |sum(1)")


@pytest.mark.parametrize("text", ["let x = |1", "let x = 'wh|ere'", "# su|m(x)", "|"])
def test_nothing_is_told_about_constants_and_comments(text: str) -> None:
    assert _hover(text) == ""


def test_declarations_are_listed_with_fields() -> None:
    source = "event A: x: int, y: str\nstream S = A\nfn f(): 1\nlet v = 1\n"
    found = entries(Document(source))
    assert [(item.kind, item.name) for item in found] == [
        ("event", "A"),
        ("stream", "S"),
        ("function", "f"),
        ("variable", "v"),
    ]
    assert [child.name for child in found[0].children] == ["x", "y"]


def test_what_a_generator_repeats_is_listed_once_as_written() -> None:
    found = entries(Document("for v in 0..9:\n    stream L{v} = A\n"))
    assert [item.name for item in found] == ["L{v}"]


def test_findings_in_imports_stay_there() -> None:
    loader = {"lib.vpl": "stream S = A .wher(x)\n"}.get
    document = Document('import "lib.vpl"\nstream T = B .whre(y)\n', loader, "m.vpl")
    assert [found.span.line for found in findings(document)] == [2]
